//! Two tenants side by side, the first full of words that must stay in it.

use serde_json::{Value, json};

use super::Lab;
use crate::outcome::Stop;
use crate::route::activation;

/// Two tenants, the first with a canary in every text that a caller can set.
pub(crate) struct Scene {
    pub(crate) a: String,
    pub(crate) b: String,
    /// A word that stands in every text of A and nowhere else.
    pub(crate) canary: String,
    pub(crate) user_of_a: Value,
    pub(crate) user_of_b: Value,
}

impl Scene {
    pub(super) async fn set(lab: &Lab) -> Result<Self, Stop> {
        let canary = lab.word("canary");
        let a = lab.id("a");
        let mut body = activation(&a);
        body["tenant_name"] = format!("{canary} University").into();
        body["contact"] =
            json!({"email": format!("contact@{canary}.example.com"), "name": format!("{canary} Contact")});
        body["features"] = json!(["chat", "rag", format!("{canary}-feature")]);
        let activated = lab.post(format!("/tenant/{a}/activate"), &body).await;
        let activated = activated.and_then(|answer| answer.is(200).map(drop));
        activated.map_err(|stop| stop.into_prerequisite("no tenant could be activated"))?;
        let b = lab.fresh("b").await?;

        let newcomer = json!({"email": format!("user@{canary}.example.com"), "name": format!("{canary} Person")});
        let user_of_a = lab.user_from(&a, &newcomer).await?;
        let user_of_b = lab.user(&b, "resident").await?;
        let branding = json!({"branding": {"logo_url": format!("https://{canary}.example.com/logo.png")}});
        // Whether settings can be written is the settings suite's question; here it only adds a canary.
        lab.put(format!("/tenant/{a}/settings"), &branding).await?;
        Ok(Self { a, b, canary, user_of_a, user_of_b })
    }
}
