//! `mt-paas explain`: one check in words.

use clap::Args;
use mt_paas_testkit::Check;

use super::{exit, print};

/// Which check to explain.
#[derive(Args)]
pub(super) struct Explain {
    /// Id of the check, such as USR-03
    id: String,
}

impl Explain {
    pub(super) fn run(&self) -> u8 {
        let Some(check) = Check::find(&self.id) else {
            eprintln!("mt-paas: there is no check {}; `mt-paas test --list` names them all", self.id);
            return exit::USAGE;
        };
        let mut text = format!(
            "{} (suite {}, level {:?}, {})\n  sends:   {}\n  demands: {}\n",
            check.id,
            check.suite(),
            check.level,
            weight(check),
            check.sends,
            check.clause
        );
        if let Some(capability) = check.needs {
            text.push_str(&format!("  needs:   capability `{capability}` in the catalogue\n"));
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
