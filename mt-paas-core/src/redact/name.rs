//! Which names say that a value is secret.

mod words;

pub(super) use words::Words;

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Nothing.
    Ordinary,
    /// It is about something else than content: an id, a count, a time. Stays readable inside a secret object, too.
    Neutral,
    /// It is secret.
    Secret(Sort),
}

/// What kind of secret a name speaks of, where that makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Any word can be a password, so ordinary words are hidden as well.
    Password,
    /// Several pairs, in one line of a header.
    Cookie,
    /// Several secrets; a number is how many there are.
    Several,
    /// A key, a token.
    Credential,
}

/// Longer names are judged by their ends.
pub(super) const LONGEST: usize = 64;

/// Four-byte beginnings of which every secret name holds one. Shorter words are written with what follows them.
pub(super) const STEMS: &[&str] = &["pass", "secr", "toke", "auth", "cook", "cred", "bearer"];
/// Stems of three bytes; every character of [`AFTER`] may follow.
pub(super) const SHORT_STEMS: &[&str] = &["key", "pwd", "jwt", "otp", "키"];
/// The stem of two bytes, with what stands around it.
pub(super) const SHORTEST_STEM: &str = "pw";
pub(super) const AFTER: &[u8] = b"s_-. =:\"'\\]1234567890\x1b";
/// What a name in Korean begins with.
pub(super) const KOREAN_STEMS: &[&str] = &["비밀번호", "비번", "암호", "패스워드", "시크릿", "쿠키", "토큰", "번호"];
/// The last words of names that are written with a blank, and need the word before it to say anything.
pub(super) const NEEDS_ANOTHER_WORD: &[&str] = &["key", "keys", "키", "토큰", "번호"];

const PASSWORDS: &[&str] = &["password", "passwords", "passwd", "passphrase", "passcode", "pwd"];
const PASSWORDS_AT_END: &[&str] = &["pass", "pw", "otp", "totp"];
const CREDENTIALS: &[&str] = &["secret", "secrets", "credential", "credentials", "authorization", "token"];
const CREDENTIALS_AT_END: &[&str] = &["auth", "jwt", "bearer"];
const COOKIES: &[&str] = &["cookie", "cookies"];
/// Ends of words that were written together.
const ENDINGS: &[(&str, Sort)] = &[
    ("password", Sort::Password),
    ("passwd", Sort::Password),
    ("passphrase", Sort::Password),
    ("secret", Sort::Credential),
    ("token", Sort::Credential),
    ("apikey", Sort::Credential),
    ("accesskey", Sort::Credential),
    ("secretkey", Sort::Credential),
    ("privatekey", Sort::Credential),
    ("signingkey", Sort::Credential),
    ("encryptionkey", Sort::Credential),
    ("authkey", Sort::Credential),
    ("apikeys", Sort::Several),
    ("accesstokens", Sort::Several),
    ("cookie", Sort::Cookie),
];

/// A key is secret if one of these stands before it.
const SECRET_KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "signature",
    "encryption",
    "decryption",
    "master",
    "auth",
    "admin",
    "market",
    "marketplace",
    "client",
    "server",
    "service",
    "account",
    "shared",
    "storage",
    "subscription",
    "ssh",
    "gpg",
    "pgp",
    "rsa",
    "hmac",
    "session",
    "webhook",
    "deploy",
    "license",
    "virtual",
];
/// Tokens are secret if one of these stands before them; all others are counted.
const SECRET_TOKENS: &[&str] =
    &["access", "refresh", "api", "auth", "bearer", "session", "csrf", "device", "push", "reset", "secret"];
/// Tokens of texts and lists.
const OPEN_TOKENS: &[&str] = &[
    "page",
    "next",
    "prev",
    "previous",
    "continuation",
    "cursor",
    "sync",
    "eos",
    "bos",
    "pad",
    "unk",
    "cls",
    "sep",
    "mask",
    "stop",
    "start",
    "end",
    "special",
    "first",
    "last",
    "per",
    "max",
    "min",
    "prompt",
    "completion",
];
/// What is said about a secret without telling it, as the last word of a name.
const NEUTRAL: &[&str] = &[
    "id",
    "ids",
    "uuid",
    "name",
    "names",
    "alias",
    "label",
    "title",
    "count",
    "counts",
    "length",
    "len",
    "size",
    "min",
    "max",
    "limit",
    "limits",
    "quota",
    "budget",
    "usage",
    "used",
    "rate",
    "minute",
    "hour",
    "day",
    "second",
    "month",
    "type",
    "types",
    "kind",
    "policy",
    "rule",
    "rules",
    "url",
    "uri",
    "endpoint",
    "path",
    "file",
    "dir",
    "expires",
    "expiry",
    "expired",
    "expiration",
    "at",
    "in",
    "ttl",
    "age",
    "days",
    "seconds",
    "ms",
    "created",
    "updated",
    "changed",
    "rotated",
    "required",
    "enabled",
    "disabled",
    "set",
    "present",
    "valid",
    "invalid",
    "missing",
    "status",
    "state",
    "version",
    "algorithm",
    "alg",
    "iterations",
    "strength",
    "index",
    "row",
    "position",
    "prefix",
    "fingerprint",
    "source",
    "env",
    "var",
    "provider",
    "scope",
    "scopes",
    "owner",
    "method",
    "mode",
    "attempts",
    "error",
    "errors",
    "failure",
    "failures",
    "reset",
    "resets",
    "cost",
    "price",
    "total",
    "sum",
    "avg",
    "remaining",
    "details",
    "logprobs",
    "bucket",
    "window",
    "format",
    "field",
    "column",
    "header",
    "param",
    "region",
    "model",
    "rs",
    "py",
    "js",
    "ts",
    "go",
    "java",
    "json",
    "toml",
    "txt",
    "log",
    "html",
    "css",
    "md",
    "reason",
    "consent",
    "banner",
    "priority",
    "active",
    "number",
    "pool",
];

/// A secret name in Korean, without blanks.
const KOREAN: &[(&str, Sort)] = &[
    ("비밀번호", Sort::Password),
    ("비번", Sort::Password),
    ("암호", Sort::Password),
    ("패스워드", Sort::Password),
    ("비밀키", Sort::Credential),
    ("개인키", Sort::Credential),
    ("인증키", Sort::Credential),
    ("접근키", Sort::Credential),
    ("액세스키", Sort::Credential),
    ("api키", Sort::Credential),
    ("시크릿", Sort::Credential),
    ("인증토큰", Sort::Credential),
    ("접근토큰", Sort::Credential),
    ("액세스토큰", Sort::Credential),
    ("갱신토큰", Sort::Credential),
    ("쿠키", Sort::Cookie),
];
/// What makes such a name harmless when it follows.
const KOREAN_NEUTRAL: &[&str] =
    &["화", "수", "개수", "길이", "이름", "종류", "유형", "여부", "정책", "변경일", "만료일", "규칙", "방식", "오류"];

/// The built-in names and those of the application.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// Each as its words, one after the other.
    pub(super) added: Vec<Vec<String>>,
}

impl Names {
    /// What `name` says about its value.
    pub(super) fn naming(&self, name: &str) -> Naming {
        let words = Words::of(name);
        let words: Vec<&str> = words.iter().collect();
        if self.added.iter().any(|added| words.ends_with(&added.iter().map(String::as_str).collect::<Vec<_>>())) {
            return Naming::Secret(Sort::Credential);
        }
        if !name.is_ascii() {
            return korean(&words.concat());
        }
        let Some(last) = words.last() else { return Naming::Ordinary };
        if NEUTRAL.contains(last) {
            return Naming::Neutral;
        }
        let joined = words.concat();
        words
            .iter()
            .enumerate()
            .find_map(|(index, word)| {
                sort_of(word, index.checked_sub(1).map(|before| words[before]), index + 1 == words.len())
            })
            .or_else(|| {
                let open = *last == "token" || *last == "tokens";
                ENDINGS.iter().find(|(ending, _)| !open && joined.ends_with(ending)).map(|(_, sort)| *sort)
            })
            .map_or(Naming::Ordinary, Naming::Secret)
    }
}

fn sort_of(word: &str, before: Option<&str>, last: bool) -> Option<Sort> {
    let after = |list: &[&str]| before.is_some_and(|before| list.contains(&before));
    match word {
        "key" if after(SECRET_KEYS) => Some(Sort::Credential),
        "keys" if after(SECRET_KEYS) => Some(Sort::Several),
        "payload" if before == Some("key") => Some(Sort::Credential),
        "tokens" if after(SECRET_TOKENS) => Some(Sort::Several),
        "token" if after(OPEN_TOKENS) => None,
        "apikey" | "accesskey" | "secretkey" | "privatekey" | "authkey" => Some(Sort::Credential),
        "apikeys" => Some(Sort::Several),
        _ if PASSWORDS.contains(&word) || last && PASSWORDS_AT_END.contains(&word) => Some(Sort::Password),
        _ if CREDENTIALS.contains(&word) || last && CREDENTIALS_AT_END.contains(&word) => Some(Sort::Credential),
        _ if COOKIES.contains(&word) => Some(Sort::Cookie),
        _ => None,
    }
}

fn korean(joined: &str) -> Naming {
    let secret = KOREAN.iter().find_map(|(known, sort)| {
        let behind = &joined[joined.rfind(known)? + known.len()..];
        let harmless = KOREAN_NEUTRAL.iter().any(|neutral| behind.starts_with(neutral));
        (!harmless).then_some(*sort)
    });
    secret.map_or(Naming::Ordinary, Naming::Secret)
}

/// Names that are secret in the query of a URL alone, where ordinary words may stand, too: a value of fewer than eight
/// characters, or of digits, is none.
pub(super) fn in_query(name: &str) -> bool {
    const QUERY: &[&str] =
        &["key", "sig", "signature", "code", "sv", "x-amz-signature", "x-amz-credential", "x-goog-signature"];
    QUERY.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str) -> bool {
        matches!(Names::default().naming(name), Naming::Secret(_))
    }

    #[test]
    fn secret_names_are_known_in_every_spelling() {
        for name in [
            "password",
            "Password",
            "PASSWORD",
            "db_password",
            "dbPassword",
            "DB_PASSWORD",
            "user.password",
            "passwd",
            "password_hash",
            "password2",
            "password_confirmation",
            "new-password",
            "userpassword",
            "ADMIN_PASS",
            "pass",
            "pw",
            "pwd",
            "secret",
            "client_secret",
            "clientSecret",
            "clientsecret",
            "secret_key",
            "secretKey",
            "SECRET_KEY_BASE",
            "token",
            "access_token",
            "accessToken",
            "accesstoken",
            "refresh_token",
            "id_token",
            "csrfToken",
            "session_token",
            "x-amz-security-token",
            "token_v2",
            "api_key",
            "api-key",
            "apiKey",
            "apikey",
            "APIKey",
            "X-API-Key",
            "x-admin-key",
            "x-marketplace-key",
            "MARKET_API_KEYS",
            "SECRETS_KEY",
            "OPENAI_API_KEY",
            "api_key_1",
            "access_key",
            "accessKey",
            "private_key",
            "privateKey",
            "signing_key",
            "Ocp-Apim-Subscription-Key",
            "AccountKey",
            "key_payload",
            "authorization",
            "Authorization",
            "proxy-authorization",
            "cookie",
            "Set-Cookie",
            "credentials",
            "auth",
            "proxy_auth",
            "jwt",
            "otp",
            "access_tokens",
            "x-auth-token",
            "token_hash",
            "XAPIKey",
            "비밀번호",
            "비밀 번호",
            "새_비밀번호",
            "비밀번호확인",
            "API 키",
            "API키",
            "인증키",
            "액세스 토큰",
            "시크릿",
            "암호",
        ] {
            assert!(secret(name), "{name}");
        }
    }

    #[test]
    fn counts_ids_and_other_words_are_no_secrets() {
        for name in [
            "max_tokens",
            "maxTokens",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "cached_tokens",
            "tokens",
            "token_count",
            "tokenCount",
            "max_completion_tokens",
            "tokens_per_minute",
            "token_limit",
            "token_type",
            "token_id",
            "prompt_tokens_details",
            "max_token",
            "eos_token",
            "next_page_token",
            "time_to_first_token",
            "key",
            "keys",
            "key_id",
            "api_key_id",
            "key_name",
            "primary_key",
            "foreign_key",
            "cache_key",
            "public_key",
            "idempotency_key",
            "keyboard",
            "monkey",
            "author",
            "authority",
            "authenticated",
            "auth_method",
            "auth_type",
            "passed",
            "passing",
            "compass",
            "bypass",
            "passenger",
            "secretary",
            "session_id",
            "user_id",
            "password_policy",
            "password_changed_at",
            "password_required",
            "secret_name",
            "cookie_consent",
            "key_prefix",
            "api_key_alias",
            "url",
            "name",
            "model",
            "status",
            "",
            "_",
            "이름",
            "토큰",
            "토큰 수",
            "암호화",
            "비밀번호 길이",
            "인증",
            "비밀",
        ] {
            assert!(!secret(name), "{name}");
        }
    }

    #[test]
    fn every_secret_name_holds_a_stem() {
        let filter = crate::redact::rules::Rules::default().filter;
        let bare = |word: &&str| format!("\"{word}\"");
        let lists = [PASSWORDS, PASSWORDS_AT_END, CREDENTIALS, CREDENTIALS_AT_END, COOKIES];
        let names = lists.iter().copied().flatten().map(bare);
        let names = names.chain(ENDINGS.iter().map(|(word, _)| bare(word)));
        let names = names.chain(KOREAN.iter().map(|(word, _)| bare(word)));
        let names = names.chain(SECRET_KEYS.iter().map(|word| format!("\"{word}_key\"")));
        for name in names.chain(SECRET_TOKENS.iter().map(|word| format!("\"{word}Tokens\""))) {
            assert!(filter.all(name.as_bytes()) & crate::redact::filter::NAME != 0, "{name}");
        }
    }

    #[test]
    fn an_application_adds_names_of_its_own() {
        let names = Names { added: vec![Words::of("studentNumber").iter().map(str::to_owned).collect()] };
        for name in ["student_number", "STUDENT-NUMBER", "the studentNumber"] {
            assert_eq!(names.naming(name), Naming::Secret(Sort::Credential), "{name}");
        }
        assert_eq!(names.naming("number"), Naming::Neutral);
    }
}
