//! Bodies and ids that an activation must refuse or accept.

use reqwest::Method;
use serde_json::{Value, json};

use crate::check::Level::{A, S};
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        S,
        "LIF-10",
        "activate with another tenant_id in the body than in the path",
        "400, and neither tenant exists afterwards",
        live!(mismatch),
    ),
    Check::new(S, "LIF-11", "activate without each required field", "400 or 422, and no tenant", live!(missing_fields)),
    Check::new(
        A,
        "LIF-12",
        "activate with the wrong type in each field",
        "400 or 422, and no tenant",
        live!(wrong_types),
    ),
    Check::new(
        A,
        "LIF-13",
        "activate with an empty plan, an empty and a blank name",
        "4xx, and no tenant",
        live!(blank),
    ),
    Check::new(A, "LIF-14", "activate with an unknown further field", "200: it is ignored", live!(extra_field)),
    Check::new(
        A,
        "LIF-15",
        "activate with a plan that the service does not know",
        "200; status shows it",
        live!(unknown_plan),
    ),
    Check::new(
        A,
        "LIF-16",
        "tenant ids `..`, `.`, `a/b`, `a%2Fb`, `x;drop`, a space, 300 characters, NUL",
        "4xx, never 5xx",
        live!(odd_ids),
    ),
    Check::new(
        A,
        "LIF-17",
        "activate with a Korean name, composed and decomposed",
        "200; where an answer shows the name it is as sent",
        live!(korean_name),
    ),
];

async fn send(lab: &Lab, path_id: &str, body: &Value) -> Result<Answer, Stop> {
    lab.post(format!("/tenant/{path_id}/activate"), body).await
}

async fn not_there(lab: &Lab, tenant: &str) -> Verdict {
    lab.get(format!("/tenant/{tenant}/status")).await?.refuses(404, "TENANT_NOT_FOUND").map(drop)
}

async fn mismatch(lab: &Lab) -> Verdict {
    let (path, body) = (lab.id("in-path"), lab.id("in-body"));
    send(lab, &path, &activation(&body)).await?.is(400)?;
    not_there(lab, &path).await?;
    not_there(lab, &body).await
}

async fn missing_fields(lab: &Lab) -> Verdict {
    for field in ["tenant_name", "plan", "features", "contact", "contact/email", "contact/name"] {
        let tenant = lab.id("missing-field");
        let mut body = activation(&tenant);
        let (parent, member) = field.rsplit_once('/').map_or(("", field), |(_, member)| ("/contact", member));
        if let Some(parent) = body.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(member);
        }
        send(lab, &tenant, &body).await?.is_one_of(&[400, 422])?;
        not_there(lab, &tenant).await?;
    }
    Ok(())
}

async fn wrong_types(lab: &Lab) -> Verdict {
    for (pointer, wrong) in [
        ("/tenant_id", json!(7)),
        ("/tenant_name", json!(7)),
        ("/plan", json!(["basic"])),
        ("/features", json!("chat")),
        ("/features", json!([1, 2])),
        ("/config", json!("none")),
        ("/contact", json!("somebody")),
        ("/contact/email", json!(7)),
        ("/contact/name", json!({})),
    ] {
        let tenant = lab.id("wrong-type");
        let mut body = activation(&tenant);
        body["config"] = json!({});
        if let Some(place) = body.pointer_mut(pointer) {
            *place = wrong;
        }
        send(lab, &tenant, &body).await?.is_one_of(&[400, 422])?;
        not_there(lab, &tenant).await?;
    }
    Ok(())
}

async fn blank(lab: &Lab) -> Verdict {
    for (member, value) in [("plan", ""), ("tenant_name", ""), ("tenant_name", "  \t ")] {
        let tenant = lab.id("blank");
        let mut body = activation(&tenant);
        body[member] = value.into();
        send(lab, &tenant, &body).await?.is_refused()?;
        not_there(lab, &tenant).await?;
    }
    Ok(())
}

async fn extra_field(lab: &Lab) -> Verdict {
    let tenant = lab.id("extra-field");
    let mut body = activation(&tenant);
    body["x_unknown"] = json!({"deep": [1, 2]});
    body["contact"]["x_unknown"] = "also".into();
    send(lab, &tenant, &body).await?.is(200).map(drop)
}

async fn unknown_plan(lab: &Lab) -> Verdict {
    let tenant = lab.id("plan");
    let plan = lab.word("plan-");
    let mut body = activation(&tenant);
    body["plan"] = plan.as_str().into();
    send(lab, &tenant, &body).await?.is(200)?;
    lab.get(format!("/tenant/{tenant}/status")).await?.has("/plan", plan.as_str()).map(drop)
}

async fn odd_ids(lab: &Lab) -> Verdict {
    let prefix = lab.client.target.standard_prefix();
    let long = "x".repeat(300);
    // As they stand in the path, and as a service would read them.
    let ids = [
        ("..", ".."),
        (".", "."),
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("x;drop", "x;drop"),
        ("%20", " "),
        ("%00", "\0"),
        (&long, &long),
    ];
    for (sent, meant) in ids {
        let plain = lab.client.target.plain_http_address().is_some();
        let raw = |call: crate::client::Call| if plain { call.raw() } else { call.odd() };
        let status = lab.anywhere(Method::GET, format!("{prefix}/tenant/{sent}/status"));
        raw(status).await?.is_refused()?;
        let activate = lab.anywhere(Method::POST, format!("{prefix}/tenant/{sent}/activate"));
        raw(activate.json(&activation(meant))).await?.is_refused()?;
    }
    Ok(())
}

async fn korean_name(lab: &Lab) -> Verdict {
    use unicode_normalization::UnicodeNormalization;
    let composed = "한림대학교 인공지능".to_owned();
    let decomposed: String = composed.nfd().collect();
    for (name, other, suffix) in [(&composed, &decomposed, "nfc"), (&decomposed, &composed, "nfd")] {
        let tenant = lab.id(suffix);
        let mut body = activation(&tenant);
        body["tenant_name"] = name.as_str().into();
        let answer = send(lab, &tenant, &body).await?;
        answer.is(200)?.demand(!answer.exchange.text().contains(other), "the name as sent", answer.exchange.shown())?;
    }
    Ok(())
}
