//! What a caller can read of a tenant, to compare before and after.

use serde_json::{Map, Value};

use super::Lab;
use crate::outcome::Stop;

impl Lab {
    /// Everything that a caller can read of the tenant and that does not move by itself.
    pub(crate) async fn snapshot(&self, tenant: &str) -> Result<Value, Stop> {
        let mut seen = Map::new();
        for path in ["status", "settings", "users?limit=100", "resources?limit=100", "stats"] {
            let answer = self.get(format!("/tenant/{tenant}/{path}")).await?;
            answer.is(200).map_err(|stop| stop.into_prerequisite("the tenant cannot be read"))?;
            seen.insert(path.to_owned(), at_rest(answer.json));
        }
        Ok(seen.into())
    }

    /// All users that a filter finds, page by page, and the `total` that the service states.
    pub(crate) async fn all_users(&self, tenant: &str, filter: &str) -> Result<(Vec<Value>, u64), Stop> {
        let (mut users, mut total) = (Vec::new(), 0);
        for page in 0..100 {
            let path = format!("/tenant/{tenant}/users?limit=100&offset={}{filter}", page * 100);
            let answer = self.get(path).await?;
            total = answer.is(200)?.count_at("/total")?;
            let rows = answer.rows_at("/users")?;
            users.extend_from_slice(rows);
            if rows.len() < 100 {
                break;
            }
        }
        Ok((users, total))
    }
}

/// The answer without the figures that move by themselves.
pub(crate) fn at_rest(mut answer: Value) -> Value {
    if let Some(health) = answer.get_mut("health").and_then(Value::as_object_mut) {
        health.remove("last_check");
        health.remove("response_time_ms");
    }
    if let Some(top) = answer.as_object_mut() {
        top.remove("request_id");
    }
    answer
}
