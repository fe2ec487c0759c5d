//! The audit trail of a service: where its heads are kept, and `audit verify` and `audit export`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser};
use mt_paas_core::audit::{AuditHead, AuditQuery, AuditStore, CSV_HEADER, HeadFile, csv_line, json_line};
use mt_paas_core::store::sea_orm::SqlStore;

use super::command::{Failure, existing};
use super::log;
use super::settings::Settings;
use crate::language::Language;

/// The command and its options.
pub(super) fn command(language: Language) -> Command {
    let say = |english: &'static str, korean: &'static str| language.say(english, korean);
    let heads = Arg::new("heads")
        .long("heads")
        .value_name("FILE")
        .action(ArgAction::Append)
        .value_parser(clap::value_parser!(PathBuf))
        .help(say(
            "File with heads that was kept outside of the database; may be given several times (AUDIT_HEADS)",
            "데이터베이스 밖에 보관한 체인 헤드 파일; 여러 번 줄 수 있습니다 (AUDIT_HEADS)",
        ));
    let format = Arg::new("format")
        .long("format")
        .value_parser(PossibleValuesParser::new(["jsonl", "csv"]))
        .default_value("jsonl")
        .help(say("Form of the lines", "출력 형식"));
    let one = |name: &'static str, help: &'static str| Command::new(name).about(help);
    one("audit", say("Look at the audit trail", "감사 기록을 살펴봅니다"))
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(
            one(
                "verify",
                say(
                    "Say where it is not what was written; exit code 1 if there is such a place",
                    "기록이 바뀐 곳을 알려 줍니다; 있으면 종료 코드 1",
                ),
            )
            .arg(heads),
        )
        .subcommand(one("export", say("Print it, the newest first", "최신순으로 출력합니다")).arg(format))
}

/// Runs one of the subcommands.
pub(super) async fn run(settings: &Settings, matches: &ArgMatches) -> Result<ExitCode, Failure> {
    match matches.subcommand() {
        Some(("verify", options)) => {
            let named: Vec<&PathBuf> = options.get_many("heads").into_iter().flatten().collect();
            let store = existing(settings).await?;
            // Before the rows are read: what is written meanwhile is newer than these.
            let heads = heads(settings, &named)?;
            verify(&store, &heads).await
        }
        Some((_, options)) => {
            let csv = options.get_one::<String>("format").is_some_and(|format| format == "csv");
            export(&existing(settings).await?, csv).await
        }
        None => Ok(ExitCode::FAILURE),
    }
}

/// The heads in the files, or in the service's own if none is named.
fn heads(settings: &Settings, named: &[&PathBuf]) -> Result<Vec<AuditHead>, Failure> {
    let mut files: Vec<&Path> = named.iter().map(|path| path.as_path()).collect();
    if files.is_empty() && !settings.audit_heads.exists() {
        log::say(&format!("there is no {}: an end that was cut off may not be found", settings.audit_heads.display()));
    } else if files.is_empty() {
        files.push(&settings.audit_heads);
    }
    let mut heads = Vec::new();
    for file in files {
        let kept = HeadFile::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        if kept.unreadable > 0 {
            log::say(&format!("{}: {} lines cannot be read", file.display(), kept.unreadable));
        }
        heads.extend(kept.heads);
    }
    Ok(heads)
}

async fn verify(store: &SqlStore, heads: &[AuditHead]) -> Result<ExitCode, Failure> {
    let verified = store.verify_audit(heads, &mut |fault| println!("{fault}")).await?;
    println!("{} entries in {} chains, {} faults", verified.rows, verified.chains, verified.faults);
    Ok(if verified.faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A reader that went away (`| head`) is no failure.
async fn export(store: &SqlStore, csv: bool) -> Result<ExitCode, Failure> {
    let mut query = AuditQuery { limit: AuditQuery::MAX_PAGE, ..AuditQuery::default() };
    let mut text = if csv { CSV_HEADER.to_owned() } else { String::new() };
    loop {
        let page = store.audit_entries(&query).await?;
        page.iter().for_each(|entry| text.push_str(&if csv { csv_line(entry) } else { json_line(entry) }));
        if std::io::stdout().lock().write_all(text.as_bytes()).is_err() {
            return Ok(ExitCode::SUCCESS);
        }
        text.clear();
        let Some(last) = page.last() else { return Ok(ExitCode::SUCCESS) };
        query.after = Some(last.into());
    }
}
