//! Secrets that callers send to the wrong place, and those of the settings, are seen nowhere afterwards (X13).
//!
//! Every canary holds two marks that nothing else holds, so that a part of one is found as well. `MT_PAAS_CANARIES` says how
//! many there are; 500 unless told.

#[path = "redaction/canary.rs"]
mod canary;
#[path = "redaction/errands.rs"]
mod errands;
#[path = "redaction/planted.rs"]
mod planted;
#[path = "redaction/service.rs"]
mod service;

use std::collections::BTreeSet;

use libtest_mimic::{Failed, Trial};

use canary::{ENCODINGS, Seen, canaries, found};
use errands::{ERRANDS, Errand};
use service::Service;

pub(crate) use planted::planted;

use super::variable;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("redaction::canaries leave no trace", leave_no_trace),
        Trial::test("redaction::a service that logs the targets of requests is found out", logs_targets),
        Trial::test("redaction::a service that keeps what it was sent is found out", keeps_what_it_was_sent),
        Trial::test("redaction::panics and failed starts tell no secret", panics),
    ]
}

/// Where a caller reads the id again that they sent: "tenant … not found", as the contract has it, and the page of a tenant,
/// which is the same for tenants that do not exist.
const ECHO: &[&str] = &["tenant in a path", "user in a path", "page of a tenant"];

fn leave_no_trace() -> Result<(), Failed> {
    let count = variable("MT_PAAS_CANARIES").map_or(Ok(500), |text| text.parse())?;
    let seen = campaign("", count)?;
    let echoes: BTreeSet<&str> = seen.answers.iter().map(|seen| seen.place).collect();
    let unexpected: Vec<&Seen> = seen.answers.iter().filter(|seen| !ECHO.contains(&seen.place)).take(5).collect();
    assert!(
        seen.sinks.is_empty(),
        "{} of {}: {:?}",
        seen.sinks.len(),
        seen.sent,
        &seen.sinks[..seen.sinks.len().min(5)]
    );
    assert!(unexpected.is_empty(), "{unexpected:?} of {echoes:?}");
    println!("{} requests with {count} canaries; answers that repeat one: {echoes:?}", seen.sent);
    Ok(())
}

/// The control: also where every line goes through the redactor, a target that is logged as it came shows.
fn logs_targets() -> Result<(), Failed> {
    let seen = campaign("targets", 126)?;
    let encodings: BTreeSet<&str> =
        seen.sinks.iter().filter(|seen| seen.place == "log").map(|seen| seen.encoding).collect();
    for encoding in ["base64", "hex, lower", "hex, upper", "UTF-16"] {
        assert!(encodings.contains(encoding), "{encoding} is not among {encodings:?}");
    }
    Ok(())
}

/// The control of the other sinks.
fn keeps_what_it_was_sent() -> Result<(), Failed> {
    let seen = campaign("kept", 126)?;
    let places: BTreeSet<&str> = seen.sinks.iter().map(|seen| seen.place).collect();
    assert!(["database", "audit export"].iter().all(|place| places.contains(place)), "{places:?}");
    Ok(())
}

fn panics() -> Result<(), Failed> {
    let service = Service::start("panic", &canaries(30, 1))?;
    let answer = service.block_on(async { service.get("/panic").await })?;
    assert!(answer.contains("INTERNAL"), "{answer}");
    assert_eq!(found("answer", answer.as_bytes()), []);
    let sinks = service.end()?;
    let log: Vec<u8> = sinks.iter().filter(|(place, _)| *place == "log").flat_map(|(_, bytes)| bytes.clone()).collect();
    assert_eq!(found("log", &log), []);
    let log = String::from_utf8(log)?;
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("panicked at")).collect();
    assert!(lines.len() == 1 && lines[0].matches("[redacted]").count() >= 2 && lines[0].ends_with(" end"), "{log}");
    assert!(lines[0].contains("\\r\\nforged"), "one line: {log}");

    for (plant, settings) in [
        ("fail", vec![("MARKET_API_KEYS", canaries(1, 1)[0].secret.clone())]),
        ("", vec![("DATABASE_URL", format!("postgres://kim:{}@127.0.0.1:1/none", canaries(1, 2)[0].secret))]),
        ("", vec![("DATABASE_URL", format!("mysql://{}", canaries(1, 3)[0].secret))]),
        ("", vec![("SECRETS_KEY", canaries(1, 4)[0].secret.clone())]),
        ("", vec![("KEY_POOL_JSON", format!("{{\"{}\": 1}}", canaries(1, 8)[0].text))]),
        ("", vec![("RUST_LOG", format!("a={}=c", canaries(1, 6)[0].text))]),
        ("", vec![("PUBLIC_URL", format!("x {}", canaries(1, 7)[0].secret))]),
    ] {
        let said = Service::failed(plant, &settings)?;
        assert_eq!(found("standard error", said.as_bytes()), [], "{plant} {said}");
        assert!(said.lines().count() == 1 && said.starts_with("advisor: "), "{plant}: {said}");
    }
    Ok(())
}

/// What was found of all canaries.
struct Campaign {
    sent: usize,
    answers: Vec<Seen>,
    sinks: Vec<Seen>,
}

/// Sends every canary in every encoding on one of the errands, so that each sort of canary comes to each errand in each
/// encoding, and every secret of the settings likewise; then looks everywhere.
fn campaign(plant: &str, count: usize) -> Result<Campaign, Failed> {
    let (known, unknown) = (canaries(90, 1), canaries(count, 1000));
    let service = Service::start(plant, &known)?;
    let known = known.iter().enumerate().map(|(number, canary)| (number, &canary.secret));
    let unknown = unknown.iter().enumerate().map(|(number, canary)| (number / canary::SORTS, &canary.text));
    let mut errands = Vec::new();
    for (turn, text) in known.chain(unknown) {
        for (at, (encoding, encode)) in ENCODINGS.iter().enumerate() {
            let errand = &ERRANDS[(turn + at) % ERRANDS.len()];
            errands.push(Errand { errand, encoding, form: encode(text.as_bytes()) });
        }
    }
    let sent = errands.len();
    let answers = service.block_on(async { errands::run(&service, errands).await })?;
    let sinks = service.end()?;
    let sinks = sinks.iter().flat_map(|(place, bytes)| found(place, bytes)).collect();
    Ok(Campaign { sent, answers, sinks })
}
