//! `mt-paas explain`: one check in words.

use clap::Args;
use mt_paas_testkit::{Check, Language};

use super::{exit, print};

/// Which check to explain.
#[derive(Args)]
pub(super) struct Explain {
    /// Id of the check, such as USR-03
    id: String,
}

impl Explain {
    /// The labels are in the language, what a check sends and demands in English.
    pub(super) fn run(&self, language: Language) -> u8 {
        let korean = language == Language::Ko;
        let say = |english: &'static str, korean_text: &'static str| if korean { korean_text } else { english };
        let Some(check) = Check::find(&self.id) else {
            let id = &self.id;
            let sentence = if korean {
                format!("{id} 검사는 없습니다. `mt-paas test --list`로 모든 검사를 볼 수 있습니다")
            } else {
                format!("there is no check {id}; `mt-paas test --list` names them all")
            };
            eprintln!("mt-paas: {sentence}");
            return exit::USAGE;
        };
        let weight = match (weight(check).as_str(), korean) {
            ("required", true) => "필수".to_owned(),
            ("advisory", true) => "권고".to_owned(),
            ("figure", true) => "측정".to_owned(),
            (weight, _) => weight.to_owned(),
        };
        let mut text = format!(
            "{} ({} {}, {} {:?}, {weight})\n  {} {}\n  {} {}\n",
            check.id,
            say("suite", "모음"),
            check.suite(),
            say("level", "단계"),
            check.level,
            say("sends:  ", "보내는 것:"),
            check.sends,
            say("demands:", "요구하는 것:"),
            check.clause
        );
        if let Some(capability) = check.needs {
            let needs = if korean {
                format!("  필요한 것: 카탈로그의 기능 `{capability}`\n")
            } else {
                format!("  needs:   capability `{capability}` in the catalogue\n")
            };
            text.push_str(&needs);
        }
        print(&text);
        exit::CONFORMANT
    }
}

/// One line for each check.
pub(super) fn list<'a>(checks: impl Iterator<Item = &'a Check>) -> String {
    checks
        .map(|check| {
            format!("{}  {:?}  {:<8}  {} → {}\n", check.id, check.level, weight(check), check.sends, check.clause)
        })
        .collect()
}

fn weight(check: &Check) -> String {
    format!("{:?}", check.weight).to_lowercase()
}
