//! Names in every script.

use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use crate::check::Level::A;
use crate::check::{Check, live};
use crate::lab::{Lab, user_id};
use crate::outcome::Verdict;

pub(super) const CHECKS: &[Check] = &[Check::new(
    A,
    "USR-27",
    "POST users with Korean, emoji, combining and right-to-left names; search for a Hangul syllable, both spellings",
    "names come back as sent; the search finds both spellings",
    live!(scripts),
)];

async fn scripts(lab: &Lab) -> Verdict {
    let tenant = lab.fresh("scripts").await?;
    let decomposed: String = "김철수".nfd().collect();
    let names = ["김철수", &decomposed, "🦊👩‍👩‍👧 학생", "e\u{301}galite\u{301}", "שלום עולם", "مرحبا"];
    for (at, name) in names.iter().enumerate() {
        let user = lab.user_from(&tenant, &json!({"email": lab.email(&format!("script{at}")), "name": name})).await?;
        let answer = lab.get(format!("/tenant/{tenant}/users/{}", user_id(&user))).await?;
        answer.is(200)?.has("/name", *name)?;
    }
    let syllable: String = "철".nfd().collect();
    for spelling in ["철", &syllable] {
        let encoded: String = url::form_urlencoded::byte_serialize(spelling.as_bytes()).collect();
        let answer = lab.get(format!("/tenant/{tenant}/users?search={encoded}")).await?;
        let found = answer.is(200)?.rows_at("/users")?;
        let both = names[..2].iter().all(|name| found.iter().any(|user| user["name"] == *name));
        answer.demand(both, "the users of both spellings", answer.exchange.shown())?;
    }
    Ok(())
}
