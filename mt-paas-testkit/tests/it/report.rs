//! What a report says, and what it never says.

use mt_paas_testkit::{Language, Outcome, Report, Suite, Target, Tester};

use crate::self_test::{Fault, Service, spawn};

async fn tested(service: &Service, suites: &[Suite]) -> Report {
    let target = Target::new(&service.url, &service.key).and_then(|target| target.second_key(&service.second_key));
    let tester = Tester::new(target.expect("a sound address and keys")).suites(suites);
    tester.run().await.expect("the reference service answers")
}

#[tokio::test]
async fn a_failure_says_what_was_sent_expected_and_got_and_how_to_repeat_it() {
    let service = spawn(Some(Fault::M26)).await;
    let report = tested(&service, &[Suite::Users]).await;
    let Some(Outcome::Fail(failure)) = report.outcome("USR-04") else { panic!("{report}") };
    assert!(failure.sent.starts_with("GET /mt/tenant/mtt-"), "{}", failure.sent);
    assert_eq!(failure.expected, "200");
    assert!(failure.got.starts_with("404 "), "{}", failure.got);
    let curl = format!("curl -sS -i --path-as-is -X GET -H \"X-Market-API-Key: $MT_KEY\" '{}/mt/", service.url);
    assert!(failure.curl.starts_with(&curl), "{}", failure.curl);
}

#[tokio::test]
async fn no_form_of_the_report_holds_a_key() {
    // Without any authentication every probe of the auth suite fails and is printed.
    let service = spawn(Some(Fault::M01)).await;
    let report = tested(&service, &[Suite::Auth, Suite::Users]).await;
    assert!(report.failures().count() > 20, "{report}");
    let forms = [report.human(Language::En, true), format!("{:#}", report.json()), report.junit().unwrap()];
    let key = &service.key;
    for form in &forms {
        for secret in [key.as_str(), &service.second_key, &key[..key.len() - 1], &swapped(key)] {
            assert!(!form.contains(secret), "{secret} in {form}");
        }
    }
    assert!(forms[0].contains("$MT_KEY"));
}

fn swapped(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

#[tokio::test]
async fn the_three_forms_agree() {
    let service = spawn(Some(Fault::M29)).await;
    let report = tested(&service, &[Suite::Health, Suite::Users]).await;
    let json = report.json();
    let failed = json["results"].as_array().unwrap().iter().filter(|row| row["outcome"] == "fail").count();
    assert!(failed > 0);
    assert_eq!(failed, report.failures().count());
    assert_eq!(json["summary"]["fail"], failed);
    assert_eq!(json["conformant"], false);
    assert_eq!(
        report.junit().unwrap().matches("<failure").count(),
        report.failures().filter(|r| r.counts(false)).count()
    );
    let human = report.human(Language::Ko, false);
    assert!(human.contains("부적합") && human.contains("USR-06"), "{human}");
    assert!(!human.contains('\u{1b}'));
}

#[tokio::test]
async fn nobody_at_the_target_is_no_verdict() {
    let target = Target::new("http://127.0.0.1:1", "k").unwrap();
    let unreachable = Tester::new(target).run().await.unwrap_err();
    assert!(unreachable.to_string().contains("http://127.0.0.1:1"), "{unreachable}");
}

#[tokio::test]
async fn a_stopped_run_cleans_up_and_is_not_conformant() {
    let service = spawn(None).await;
    let target = Target::new(&service.url, &service.key).unwrap();
    let report = Tester::new(target).run_until(tokio::time::sleep(std::time::Duration::from_millis(60))).await.unwrap();
    assert!(report.stopped && !report.conformant(false));
    assert!(report.results.iter().any(|result| matches!(result.outcome, Outcome::Blocked(_))));
    assert!(report.left_behind.is_empty(), "{:?}", report.left_behind);
}

#[tokio::test]
async fn an_existing_tenant_is_read_a_second_time_and_never_written_to() {
    let service = spawn(None).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |verb: &str| format!("{}/mt/tenant/resident-1/{verb}", service.url);
    let body = serde_json::json!({
        "tenant_id": "resident-1",
        "tenant_name": "Resident",
        "plan": "basic",
        "features": ["chat"],
        "contact": {"email": "a@example.com", "name": "A"},
    });
    let activate = http.post(url("activate")).header("X-Market-API-Key", &service.key).json(&body);
    assert_eq!(activate.send().await.unwrap().status(), 200);
    let read = async |path: &str| {
        let answer = http.get(url(path)).header("X-Market-API-Key", &service.key).send().await.unwrap();
        answer.json::<serde_json::Value>().await.unwrap()
    };
    let before = (read("status").await, read("users").await, read("settings").await);

    let target = Target::new(&service.url, &service.key).unwrap().existing_tenant("resident-1").unwrap();
    let report = Tester::new(target).run().await.unwrap();
    assert!(report.conformant(true), "{report}");
    let again: Vec<_> =
        report.results.iter().filter(|result| result.case.as_deref() == Some("tenant resident-1")).collect();
    let suites: std::collections::BTreeSet<_> = again.iter().map(|result| result.check.suite()).collect();
    assert_eq!(suites.len(), 4, "dashboard, users, resources, settings: {suites:?}");
    assert_eq!(before, (read("status").await, read("users").await, read("settings").await));
}

#[tokio::test]
async fn progress_is_told_check_by_check() {
    let service = spawn(None).await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = seen.clone();
    let target = Target::new(&service.url, &service.key).unwrap();
    let tester = Tester::new(target).suites(&[Suite::Health]);
    let report = tester.on_progress(move |result| sink.lock().unwrap().push(result.check.id)).run().await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), report.results.len());
    assert_eq!(report.results.len(), 12);
}
