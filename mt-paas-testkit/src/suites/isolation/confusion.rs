//! The path alone says which tenant is meant, however the calls come.

use futures_util::future::join_all;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::{Lab, Scene};
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        A,
        "ISO-12",
        "B's paths with a header X-Tenant-ID or a query tenant_id that names A",
        "the answer is the same as without",
        live!(other_names),
    ),
    Check::new(
        A,
        "ISO-14",
        "A and B in turn on one connection, and 50 calls at once",
        "each answer is about the tenant of its path",
        live!(in_turn),
    ),
];

async fn other_names(lab: &Lab) -> Verdict {
    let Scene { a, b, .. } = lab.scene().await?;
    for path in ["users", "settings", "status"] {
        let path = format!("/tenant/{b}/{path}");
        let plain = lab.get(&path).await?;
        plain.is(200)?;
        for call in [
            lab.get(&path).header("X-Tenant-ID", a),
            lab.get(&path).header("X-Tenant", a).header("Tenant-ID", a),
            lab.get(format!("{path}?tenant_id={a}&tenant={a}")),
        ] {
            let answer = call.await?;
            answer.demand(answer.json == plain.json, format!("as without: {}", plain.json), answer.exchange.shown())?;
        }
    }
    Ok(())
}

async fn in_turn(lab: &Lab) -> Verdict {
    let Scene { a, b, canary, .. } = lab.scene().await?;
    for _ in 0..10 {
        for tenant in [a, b] {
            about(&lab.get(format!("/tenant/{tenant}/users")).await?, tenant, b, canary)?;
        }
    }
    let calls = (0..50).map(|n| async move {
        let tenant = if n % 2 == 0 { a } else { b };
        let path = ["users", "settings", "status", "stats"][n % 4];
        Ok::<_, Stop>((lab.get(format!("/tenant/{tenant}/{path}")).await?, tenant))
    });
    for answer in join_all(calls).await {
        let (answer, tenant) = answer?;
        about(&answer, tenant, b, canary)?;
    }
    Ok(())
}

fn about(answer: &Answer, tenant: &str, b: &str, canary: &str) -> Verdict {
    answer.is(200)?.has("/tenant_id", tenant)?;
    let mixed = tenant == b && answer.exchange.text().contains(canary);
    answer.verdict(!mixed, "nothing of A under B", answer.exchange.shown())
}
