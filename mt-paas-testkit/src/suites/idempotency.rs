//! Suite `idempotency`: repeated and racing requests.

use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::client::{Answer, Call};
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "IDM-01", "POST users twice with one Idempotency-Key", "one user, the same answer", live!(replayed))
        .needs("idempotency"),
    Check::new(A, "IDM-02", "the same key with another body", "422 IDEMPOTENCY_MISMATCH; no user", live!(other_body))
        .needs("idempotency"),
    Check::new(
        A,
        "IDM-03",
        "the same key and body eight times at once",
        "201 with one user, or 409 IDEMPOTENCY_IN_PROGRESS",
        live!(at_once),
    )
    .needs("idempotency"),
    Check::new(A, "IDM-04", "the same key and body in another tenant", "201 with a new user", live!(other_tenant))
        .needs("idempotency"),
    Check::new(A, "IDM-05", "the same key on another route", "that route's own answer", live!(other_route))
        .needs("idempotency"),
    Check::new(A, "IDM-06", "a refused body, then a sound one with a new key", "4xx; 201", live!(refusal_not_kept))
        .needs("idempotency"),
    Check::new(
        A,
        "IDM-07",
        "16 × POST users at once, one e-mail",
        "one 201, the rest 409 USER_EXISTS",
        live!(race_users),
    ),
    Check::new(
        A,
        "IDM-08",
        "16 × POST activate at once, one id, different bodies",
        "one 200, the rest 409 TENANT_EXISTS",
        live!(race_tenants),
    ),
    Check::new(
        A,
        "IDM-09",
        "PUT name and PUT role at once",
        "both land, or one is answered 409 or 412; no change is lost",
        live!(race_fields),
    )
    .advisory(),
    Check::new(A, "IDM-10", "DELETE and PUT at once", "the user ends deleted", live!(race_delete)).advisory(),
    Check::new(
        A,
        "IDM-11",
        "POST users, hang up before the answer, POST again",
        "one user, as if sent once",
        live!(dropped),
    )
    .advisory(),
    Check::new(A, "IDM-12", "the same PUT three times", "the same state", live!(put_again)).advisory(),
    Check::new(A, "IDM-13", "200 × GET", "nothing that a caller can read has changed", live!(reads_change_nothing)),
];

fn keyed(lab: &Lab, tenant: &str, body: &Value, key: &str) -> Call {
    lab.post(format!("/tenant/{tenant}/users"), body).header("Idempotency-Key", &lab.word(key))
}

fn person(lab: &Lab, stem: &str) -> Value {
    json!({"email": lab.email(stem), "name": format!("Person {stem}")})
}

/// There is exactly one user with that stem, or none.
async fn count(lab: &Lab, tenant: &str, stem: &str, expected: u64) -> Verdict {
    let answer = lab.get(format!("/tenant/{tenant}/users?search={}", lab.email(stem))).await?;
    answer.is(200)?.has("/total", expected).map(drop)
}

async fn replayed(lab: &Lab) -> Verdict {
    let (tenant, body) = (lab.a().await?, person(lab, "replayed"));
    let first = keyed(lab, tenant, &body, "replayed").await?;
    let second = keyed(lab, tenant, &body, "replayed").await?;
    first.is(201)?;
    second.is(201)?.demand(second.json == first.json, format!("the same answer: {}", first.json), &second.json)?;
    count(lab, tenant, "replayed", 1).await
}

async fn other_body(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    keyed(lab, tenant, &person(lab, "first-body"), "body").await?.is(201)?;
    let second = keyed(lab, tenant, &person(lab, "second-body"), "body").await?;
    second.refuses(422, "IDEMPOTENCY_MISMATCH")?;
    count(lab, tenant, "second-body", 0).await
}

async fn at_once(lab: &Lab) -> Verdict {
    let (tenant, body) = (lab.a().await?, person(lab, "at-once"));
    let mut made: Option<String> = None;
    for answer in join_all((0..8).map(|_| keyed(lab, tenant, &body, "at-once").into_future())).await {
        let answer = answer?;
        if answer.status() == 409 {
            answer.refuses(409, "IDEMPOTENCY_IN_PROGRESS")?;
            continue;
        }
        let id = answer.is(201)?.text_at("/user_id")?;
        answer.demand(made.as_deref().is_none_or(|made| made == id), "one user in all answers", id)?;
        made = Some(id.to_owned());
    }
    count(lab, tenant, "at-once", 1).await
}

async fn other_tenant(lab: &Lab) -> Verdict {
    let (a, b, body) = (lab.a().await?, lab.b().await?, person(lab, "both"));
    let first = keyed(lab, a, &body, "both").await?;
    let second = keyed(lab, b, &body, "both").await?;
    first.is(201)?;
    let id = second.is(201)?.text_at("/user_id")?;
    second.demand(id != user_id(&first.json), "a new user", id)?;
    count(lab, b, "both", 1).await
}

async fn other_route(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    keyed(lab, tenant, &person(lab, "route"), "route").await?.is(201)?;
    let call = lab.post(format!("/tenant/{tenant}/activate"), &activation(tenant));
    let answer = call.header("Idempotency-Key", &lab.word("route")).await?;
    answer.is(200)?.has("/tenant_id", tenant)?.text_at("/access_url").map(drop)
}

async fn refusal_not_kept(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let wrong = json!({"email": "no-address", "name": "Wrong"});
    keyed(lab, tenant, &wrong, "wrong").await?.is_refused()?;
    keyed(lab, tenant, &person(lab, "fixed"), "right").await?.is(201).map(drop)
}

async fn race_users(lab: &Lab) -> Verdict {
    let (tenant, body) = (lab.a().await?, person(lab, "raced"));
    let calls = (0..16).map(|_| lab.post(format!("/tenant/{tenant}/users"), &body).into_future());
    one_winner(join_all(calls).await, 201, "USER_EXISTS")?;
    count(lab, tenant, "raced", 1).await
}

async fn race_tenants(lab: &Lab) -> Verdict {
    let tenant = lab.id("raced");
    let calls = (0..16).map(|n| {
        let mut body = activation(&tenant);
        body["tenant_name"] = format!("Racer {n}").into();
        lab.post(format!("/tenant/{tenant}/activate"), &body).into_future()
    });
    one_winner(join_all(calls).await, 200, "TENANT_EXISTS")
}

fn one_winner(answers: Vec<Result<Answer, Stop>>, status: u16, code: &str) -> Verdict {
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let winners = answers.iter().filter(|answer| answer.status() == status).count();
    for answer in &answers {
        answer.demand(winners == 1, format!("one {status} of {}", answers.len()), format!("{winners}"))?;
        if answer.status() != status {
            answer.refuses(409, code)?;
        }
    }
    Ok(())
}

async fn race_fields(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for round in 0..4 {
        let user = lab.user(tenant, &format!("fields{round}")).await?;
        let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
        let (name, role) = (json!({"name": "Raced"}), json!({"role": "moderator"}));
        let (name, role) = tokio::join!(lab.put(&path, &name).into_future(), lab.put(&path, &role).into_future());
        let after = lab.get(&path).await?;
        for (answer, member, value) in [(name?, "/name", "Raced"), (role?, "/role", "moderator")] {
            if answer.is_one_of(&[200, 409, 412])?.status() == 200 {
                after.has(member, value)?;
            }
        }
    }
    Ok(())
}

async fn race_delete(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for round in 0..4 {
        let user = lab.user(tenant, &format!("doomed{round}")).await?;
        let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
        let body = json!({"name": "Undead"});
        let (put, delete) = tokio::join!(lab.put(&path, &body).into_future(), lab.delete(&path).into_future());
        put?.is_one_of(&[200, 404, 409, 412])?;
        if delete?.is_one_of(&[204, 409, 412])?.status() == 204 {
            lab.get(&path).await?.refuses(404, "USER_NOT_FOUND")?;
            count(lab, tenant, &format!("doomed{round}"), 0).await?;
        }
    }
    Ok(())
}

async fn dropped(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    for round in 0..4 {
        let stem = format!("dropped{round}");
        let body = person(lab, &stem);
        lab.post(format!("/tenant/{tenant}/users"), &body).hang_up().await?;
        // At once, while the first may still be under way, and again when it must have ended.
        lab.post(format!("/tenant/{tenant}/users"), &body).await?.is_one_of(&[201, 409])?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        lab.post(format!("/tenant/{tenant}/users"), &body).await?.refuses(409, "USER_EXISTS")?;
        count(lab, tenant, &stem, 1).await?;
    }
    Ok(())
}

async fn put_again(lab: &Lab) -> Verdict {
    let tenant = lab.a().await?;
    let user = lab.user(tenant, "steady").await?;
    let path = format!("/tenant/{tenant}/users/{}", user_id(&user));
    let body = json!({"name": "Steady State", "role": "moderator"});
    let first = lab.put(&path, &body).await?;
    first.is(200)?;
    for _ in 0..2 {
        let again = lab.put(&path, &body).await?;
        for member in ["/user_id", "/email", "/name", "/role", "/status", "/created_at"] {
            again.is(200)?.has(member, first.at(member).clone())?;
        }
    }
    Ok(())
}

async fn reads_change_nothing(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("read").await?;
    let user = lab.user(&tenant, "reader").await?;
    let before = lab.snapshot(&tenant).await?;
    let paths = ["status", "settings", "users", "stats", "stats/costs", "resources", "usage?period=2026-01"];
    let one = format!("users/{}", user_id(&user));
    let mut reads = stream::iter((0..200).map(|n| {
        let path = if n % 8 == 7 { one.as_str() } else { paths[n % 8] };
        lab.get(format!("/tenant/{tenant}/{path}")).into_future()
    }))
    .buffer_unordered(8);
    while let Some(answer) = reads.next().await {
        answer?.is(200)?;
    }
    let after = lab.snapshot(&tenant).await?;
    let answer = lab.get(format!("/tenant/{tenant}/status")).await?;
    answer.verdict(after == before, format!("the tenant as before: {before}"), after)
}
