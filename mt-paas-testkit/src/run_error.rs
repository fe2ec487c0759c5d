//! Why a run ends before its first check.

use crate::Language;
use crate::client::TOO_LARGE;

/// Why nothing can be said about a service. Nothing was written to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nobody answers at the target.
    #[error("{base} does not answer: {why}")]
    Unreachable {
        /// The base URL.
        base: String,
        /// What happened instead.
        why: String,
    },
    /// What answers at the target is no service, or none that can be read.
    #[error(
        "{base} answers with more than 8 MiB where its health was asked for: that is no service of the Standard API"
    )]
    TooLarge {
        /// The base URL.
        base: String,
    },
    /// The target is https, and what answers there does not speak TLS.
    #[error("{base} answers, but not in TLS: try http:// instead of https://")]
    NotTls {
        /// The base URL.
        base: String,
    },
    /// The base URL ends in the prefix, which would stand in every path twice.
    #[error("the target {base} already ends in the prefix {prefix}: the service answers at {instead}, so name that")]
    PrefixTwice {
        /// The base URL as given.
        base: String,
        /// The path of the standard routes.
        prefix: String,
        /// The base URL under which the service was found.
        instead: String,
    },
    /// The service does not take the key.
    #[error("{base} refuses the key in {header} (401): check the key, and the name of the header")]
    KeyRefused {
        /// The base URL.
        base: String,
        /// The header in which the key was sent.
        header: String,
    },
    /// The existing tenant that was named is not there.
    #[error("{base} knows no tenant {tenant} (404): name an existing tenant, or none")]
    UnknownTenant {
        /// The base URL.
        base: String,
        /// The tenant that was named.
        tenant: String,
    },
    /// The existing tenant that was named is closed, and only its status and its bill can be read.
    #[error("tenant {tenant} is {status}, so its data cannot be read: name an active tenant, or none")]
    InactiveTenant {
        /// The tenant that was named.
        tenant: String,
        /// Its status.
        status: String,
    },
    /// The service cannot say whether the existing tenant that was named is there.
    #[error("{base} cannot read tenant {tenant} now (503): try again later")]
    TenantUnavailable {
        /// The base URL.
        base: String,
        /// The tenant that was named.
        tenant: String,
    },
}

impl RunError {
    /// The sentence in a language.
    pub fn sentence(&self, language: Language) -> String {
        if language == Language::En {
            return self.to_string();
        }
        match self {
            Self::Unreachable { base, why } => format!("{base}에서 응답이 없습니다: {why}"),
            Self::TooLarge { base } => {
                format!("{base}의 상태 확인 응답이 8 MiB를 넘습니다. 표준 API 서비스의 응답이 아닙니다")
            }
            Self::NotTls { base } => {
                format!("{base}에서 응답은 하지만 TLS가 아닙니다. https:// 대신 http://로 시도하세요")
            }
            Self::PrefixTwice { base, prefix, instead } => {
                format!(
                    "대상 {base}이(가) 이미 접두 경로 {prefix}(으)로 끝납니다. 서비스가 응답하는 {instead}을(를) 지정하세요"
                )
            }
            Self::KeyRefused { base, header } => {
                format!("{base}에서 {header} 헤더의 키를 거부했습니다(401). 키와 헤더 이름을 확인하세요")
            }
            Self::UnknownTenant { base, tenant } => {
                format!("{base}에 테넌트 {tenant}이(가) 없습니다(404). 있는 테넌트를 지정하거나 지정하지 마세요")
            }
            Self::InactiveTenant { tenant, status } => {
                format!(
                    "테넌트 {tenant}의 상태가 {status}이어서 데이터를 읽을 수 없습니다. 사용 중인 테넌트를 지정하거나 지정하지 마세요"
                )
            }
            Self::TenantUnavailable { base, tenant } => {
                format!("{base}에서 지금은 테넌트 {tenant}을(를) 읽을 수 없습니다(503). 잠시 뒤에 다시 시도하세요")
            }
        }
    }

    /// What the words of a failed first call come to.
    pub(crate) fn of_silence(base: &str, why: &str) -> Self {
        let base = base.to_owned();
        if why.starts_with(TOO_LARGE) {
            Self::TooLarge { base }
        } else if base.starts_with("https:") && why.contains("corrupt message") {
            Self::NotTls { base }
        } else {
            Self::Unreachable { base, why: why.to_owned() }
        }
    }

    pub(crate) fn unreachable(base: &str, why: &dyn std::fmt::Display) -> Self {
        Self::Unreachable { base: base.to_owned(), why: why.to_string() }
    }
}
