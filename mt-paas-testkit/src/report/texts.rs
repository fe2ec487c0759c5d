//! The runner's own words in two languages. What the checks demand stays in English.

use std::str::FromStr;

/// The language of the runner's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    En,
    /// Korean.
    Ko,
}

impl FromStr for Language {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "en" => Ok(Self::En),
            "ko" => Ok(Self::Ko),
            _ => Err("ko or en".into()),
        }
    }
}

/// One row for each text: its name, English, Korean.
macro_rules! texts {
    ($($name:ident: $en:literal, $ko:literal;)+) => {
        /// The texts of one language.
        pub(super) struct Texts { $(pub(super) $name: &'static str,)+ }

        const EN: Texts = Texts { $($name: $en,)+ };
        const KO: Texts = Texts { $($name: $ko,)+ };
    };
}

texts! {
    passed: "passed", "통과";
    failed: "failed", "실패";
    blocked: "blocked", "막힘";
    skipped: "skipped", "건너뜀";
    failures: "Failures", "실패 내역";
    figures: "Figures and notes", "측정값과 참고";
    skips: "Skipped", "건너뛴 항목";
    required: "required", "필수";
    advisory: "advisory", "권고";
    figure: "figure", "측정";
    clause: "clause", "조항";
    sent: "sent", "보낸 것";
    expected: "expected", "기대";
    got: "got", "받은 것";
    repeat: "repeat", "다시 보내기";
    because: "because", "이유";
    conformant: "CONFORMANT", "적합";
    not_conformant: "NOT CONFORMANT", "부적합";
    stopped: "The run was stopped; the checks that did not run are blocked.", "실행이 중단되어 나머지 검사는 막힘으로 처리했습니다.";
    left_behind: "Tenants that could not be deactivated", "비활성화하지 못한 테넌트";
    score: "score", "점수";
    run: "run", "실행";
    checks: "checks", "검사";
}

impl Language {
    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Self::En => &EN,
            Self::Ko => &KO,
        }
    }
}
