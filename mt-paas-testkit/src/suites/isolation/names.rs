//! Tenant ids that look alike are two tenants or none.

use unicode_normalization::UnicodeNormalization;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::{Stop, Verdict};
use crate::route::activation;

pub(super) const CHECKS: &[Check] = &[Check::new(
    A,
    "ISO-11",
    "tenant ids that differ by letter case, a further digit, a trailing dot or space, or in Unicode spelling",
    "tenants of their own, or refused; never merged",
    live!(alike),
)];

async fn alike(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("t1").await?;
    let user = lab.user(&tenant, "original").await?;
    let (case, longer) = (tenant.replace("-t1", "-T1"), lab.id("t10"));
    lab.roster.note(&case);
    for other in [&case, &longer] {
        lab.activate(other).await?.is(200)?.has("/tenant_id", other.as_str())?;
        empty_of(lab, other, user_id(&user)).await?;
    }
    let korean: String = "한".nfd().collect();
    for suffix in [".", " ", "한", &korean] {
        let id = format!("{tenant}{suffix}");
        let path: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20");
        let answer = lab.post(format!("/tenant/{path}/activate"), &activation(&id)).await?;
        if answer.status() == 200 {
            lab.roster.note(&path);
            empty_of(lab, &path, user_id(&user)).await?;
        } else {
            answer.is_refused()?;
        }
    }
    lab.get(format!("/tenant/{tenant}/users/{}", user_id(&user))).await?.is(200).map(drop)
}

async fn empty_of(lab: &Lab, other: &str, user: &str) -> Result<(), Stop> {
    lab.get(format!("/tenant/{other}/users/{user}")).await?.refuses(404, "USER_NOT_FOUND")?;
    let found = lab.get(format!("/tenant/{other}/users?search={}", lab.email("original"))).await?;
    found.is(200)?.has("/total", 0).map(drop)
}
