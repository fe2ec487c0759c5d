//! Pages, old paths and the description of the API.

use std::collections::BTreeSet;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::{needing, stand, trial, variable};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pages::the start page speaks two languages and shows figures at home only", start_page),
        trial("pages::old paths answer with a notice", old_paths),
        trial("pages::the page of the API loads nothing from elsewhere", docs),
        trial("openapi::every operation has a name of its own and an answer", openapi),
        needing(validator(), "openapi::an independent validator agrees", |name, tool| {
            trial(name, move || validated(tool))
        }),
    ]
}

async fn start_page() -> Result<(), Failed> {
    let (base, http) = (stand::advisor().await?, stand::client());
    activate(&base, "t1").await?;
    let get = |path: &str| http.get(format!("{base}{path}")).send();
    let english = get("/").await?;
    assert!(english.headers()["content-security-policy"].to_str()?.starts_with("default-src 'none'"));
    let english = english.text().await?;
    assert!(english.contains("the key that was printed"), "{english}");
    let set = stand::advisor_with(&|name| match name {
        "MARKET_API_KEYS" => Some(stand::KEY.to_owned()),
        "DOCS" => Some("off".to_owned()),
        _ => None,
    });
    let quiet = http.get(set.await?).send().await?.text().await?;
    assert!(!quiet.contains("printed") && quiet.contains("MARKET_API_KEYS") && !quiet.contains("/docs/"), "{quiet}");
    assert!(
        english.contains("lang=\"en\"") && english.contains("<code>t1</code>") && english.contains("mt-paas-testkit")
    );
    let korean = get("/?lang=ko").await?.text().await?;
    assert!(korean.contains("lang=\"ko\"") && korean.contains("다음에 해 볼 일"));
    for number in 10..61 {
        activate(&base, &format!("many{number}")).await?;
    }
    let first = get("/").await?.text().await?;
    let (shown, next) = (first.matches("<th scope=\"row\">").count(), "?after=many59&amp;lang=en");
    assert!(shown == 50 && first.contains(next), "{shown} {first}");
    let second = get("/?after=many59&lang=en").await?.text().await?;
    assert!(second.contains("href=\"?after=many59&amp;lang=ko\"") && second.contains("href=\"/?lang=en\""), "{second}");
    assert!(!first.contains("href=\"/?lang=en\"") && first.contains("href=\"/docs/\""), "{first}");
    assert!(
        second.contains("many60") && second.contains("<code>t1</code>") && !second.contains("Next page"),
        "{second}"
    );
    for (name, value) in [("Host", "advisor.example"), ("X-Forwarded-For", "203.0.113.9")] {
        let seen = http.get(&base).header(name, value).send().await?.text().await?;
        assert!(!seen.contains("<code>t1</code>"), "{name}");
    }
    // The address that a market gives to people tells strangers nothing about who is there.
    let (known, unknown) = (get("/t/t1").await?.text().await?, get("/t/t2").await?.text().await?);
    assert_eq!(known.replace("t1", "t2"), unknown);
    assert_eq!(get("/t/a%20b").await?.status(), 404);
    Ok(())
}

async fn old_paths() -> Result<(), Failed> {
    let (base, http) = (stand::advisor().await?, stand::client());
    let application = json!({"application_id": 1, "kind": "demo", "applicant": {"email": "a@b.kr", "name": "A"}});
    for path in ["/api/marketplace/demo/request", "/api/marketplace/demo/provision"] {
        let post = |key: &'static str| {
            http.post(format!("{base}{path}")).header("X-Marketplace-Key", key).json(&application).send()
        };
        let get = http.get(format!("{base}{path}")).header("X-Marketplace-Key", stand::KEY).send().await?;
        assert_eq!(get.headers()["allow"], "POST");
        let answer = post(stand::KEY).await?;
        for (answer, status) in [(&post("wrong").await?, 401), (&get, 405), (&answer, 200)] {
            assert_eq!(answer.status(), status);
            // The same at every start.
            assert_eq!(answer.headers()["deprecation"], "@1794700800", "{status}");
            assert_eq!(answer.headers()["sunset"], "Sun, 29 Nov 2026 00:00:00 GMT", "{status}");
            assert_eq!(answer.headers()["link"], "</mt/tenant>; rel=\"successor-version\"", "{status}");
        }
        assert_eq!(answer.json::<Value>().await?["status"], "approved");
    }
    Ok(())
}

async fn docs() -> Result<(), Failed> {
    let (base, http) = (stand::advisor().await?, stand::client());
    let page = http.get(format!("{base}/docs/")).send().await?;
    let policy = page.headers()["content-security-policy"].to_str()?.to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("//"), "{policy}");
    let page = page.text().await?;
    let config = http.get(format!("{base}/docs/swagger-initializer.js")).send().await?.text().await?;
    assert!(config.contains(r#""validatorUrl": "none""#), "{config}");
    let loaded: Vec<&str> = ["src=\"", "href=\""].iter().flat_map(|mark| page.split(mark).skip(1)).collect();
    assert!(loaded.len() >= 4, "{page}");
    for target in loaded.into_iter().filter_map(|rest| rest.split('"').next()) {
        assert!(!target.contains("//"), "{target}");
        let answer = http.get(format!("{base}/docs/{}", target.trim_start_matches("./"))).send().await?;
        assert_eq!(answer.status(), 200, "{target}");
    }
    Ok(())
}

async fn openapi() -> Result<(), Failed> {
    let api = description().await?;
    assert!(api["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let paths = api["paths"].as_object().ok_or("no paths")?;
    let operations: Vec<&Value> = paths
        .values()
        .flat_map(|item| ["get", "post", "put", "patch", "delete"].map(|method| &item[method]))
        .filter(|op| op.is_object())
        .collect();
    let names: BTreeSet<&str> = operations.iter().filter_map(|operation| operation["operationId"].as_str()).collect();
    assert_eq!((operations.len(), names.len()), (52, 52));
    for operation in operations {
        let answers = operation["responses"].as_object().ok_or("no responses")?;
        assert!(answers.keys().any(|status| status.starts_with('2')));
        assert!(answers.values().all(|answer| answer["description"].as_str().is_some_and(|text| !text.is_empty())));
    }
    Ok(())
}

async fn validated(tool: String) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("openapi.json");
    std::fs::write(&file, description().await?.to_string())?;
    let ran = Command::new(tool).arg(&file).output()?;
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stdout).into_owned().into()) }
}

fn validator() -> Result<String, String> {
    let tool = variable("MT_PAAS_OPENAPI_VALIDATOR").unwrap_or_else(|| "openapi-spec-validator".to_owned());
    let found = Command::new(&tool).arg("--help").output().is_ok_and(|ran| ran.status.success());
    if found { Ok(tool) } else { Err("no openapi-spec-validator from PyPI".to_owned()) }
}

async fn description() -> Result<Value, Failed> {
    let (base, http) = (stand::advisor().await?, stand::client());
    Ok(http.get(format!("{base}/openapi.json")).send().await?.json().await?)
}

async fn activate(base: &str, tenant: &str) -> Result<(), Failed> {
    let body = json!({"tenant_id": tenant, "tenant_name": "T", "plan": "basic", "features": ["chat"],
        "contact": {"email": "a@b.kr", "name": "A"}});
    let url = format!("{base}/mt/tenant/{tenant}/activate");
    let answer = stand::client().post(url).header("X-Market-API-Key", stand::KEY).json(&body).send().await?;
    assert_eq!(answer.status(), 200);
    Ok(())
}
