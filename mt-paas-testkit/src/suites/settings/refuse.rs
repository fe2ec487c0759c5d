//! Settings that must be refused, whole.

use serde_json::{Value, json};

use super::read::settings;
use crate::check::Level::{A, S};
use crate::check::{Check, live};
use crate::client::Answer;
use crate::lab::Lab;
use crate::outcome::{Stop, Verdict};

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "SET-08", "PUT a limit of -1, 1.5, \"5\", 10^30 and null", "4xx; nothing changes", live!(limits)),
    Check::new(
        A,
        "SET-09",
        "PUT colours that are not #rrggbb, logo_url with javascript:, file: and internal hosts",
        "4xx; nothing changes",
        live!(branding),
    ),
    Check::new(
        A,
        "SET-10",
        "PUT custom_css with `</style><script>` and with `@import`",
        "refused, or stored harmless",
        live!(css),
    ),
    Check::new(
        S,
        "SET-12",
        "PUT a feature that is not in the plan",
        "403 FEATURE_DISABLED; nothing changes",
        live!(feature),
    ),
];

/// Sends a body that must not change anything, whatever else it holds; returns the refusal.
async fn unchanged(lab: &Lab, body: &Value) -> Result<Answer, Stop> {
    let tenant = lab.a().await?;
    let before = settings(lab, tenant).await?;
    let answer = lab.put(format!("/tenant/{tenant}/settings"), body).await?;
    answer.is_refused()?;
    let after = settings(lab, tenant).await?;
    let expected = format!("settings as before: {}", before.json);
    answer.demand(after.json == before.json, expected, &after.json)?;
    Ok(answer)
}

async fn limits(lab: &Lab) -> Verdict {
    for limit in ["-1", "1.5", "\"5\"", "1000000000000000000000000000000", "1e30", "null"] {
        let limit: Value = serde_json::from_str(limit).unwrap_or_default();
        unchanged(lab, &json!({"limits": {"daily_tokens": limit, "monthly_tokens": 5}})).await?;
    }
    Ok(())
}

async fn branding(lab: &Lab) -> Verdict {
    for colour in ["red", "#12", "#12345g", "#1234567", "javascript:alert(1)", ""] {
        unchanged(lab, &json!({"branding": {"primary_color": colour}})).await?;
    }
    for url in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "/relative.png",
        "http://127.0.0.1/x.png",
        "http://localhost/x.png",
        "http://[::1]/x.png",
        "http://10.0.0.1/x.png",
        "http://192.168.1.1/x.png",
        "http://169.254.169.254/latest/meta-data",
    ] {
        unchanged(lab, &json!({"branding": {"logo_url": url}})).await?;
    }
    Ok(())
}

async fn css(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("css").await?;
    for (css, bad) in [
        ("b{} </style><script>alert(1)</script>", "</style"),
        ("b{} </STYLE ><script>alert(1)</script>", "</style"),
        ("@import url('https://www.example.com/x.css');", "@import"),
    ] {
        let body = json!({"branding": {"custom_css": css}});
        let answer = lab.put(format!("/tenant/{tenant}/settings"), &body).await?;
        if answer.status() != 200 {
            answer.is_refused()?;
            continue;
        }
        let stored = settings(lab, &tenant).await?;
        let text = stored.at("/config/branding/custom_css").as_str().unwrap_or_default().to_lowercase();
        answer.demand(!text.contains(bad), format!("4xx, or no `{bad}` in custom_css"), text)?;
    }
    Ok(())
}

async fn feature(lab: &Lab) -> Verdict {
    let body = json!({"features": {lab.word("feature"): true}, "branding": {"primary_color": "#0f0f0f"}});
    unchanged(lab, &body).await?.refuses(403, "FEATURE_DISABLED").map(drop)
}
