//! What a suite works with: calls, tenants of its own, and people in them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub(crate) use self::aliases::{Aliases, OLD_PATHS, is_old_path};
pub(crate) use self::canary::Scene;
pub(crate) use self::median::median_times;
pub(crate) use self::roster::Roster;
pub(crate) use self::snapshot::at_rest;
use crate::client::{Answer, Call, Client};
use crate::outcome::{NOT_OFFERED, Stop, skip};
use crate::route::{Route, activation};
use crate::suites::Suite;

mod aliases;
mod canary;
mod median;
mod roster;
mod snapshot;

/// A suite's workplace. Suites run side by side and share nothing but the client and the roster.
pub(crate) struct Lab {
    pub(crate) client: Arc<Client>,
    pub(crate) suite: Suite,
    pub(crate) roster: Arc<Roster>,
    a: OnceCell<String>,
    b: OnceCell<String>,
    crowd: OnceCell<String>,
    scene: OnceCell<Scene>,
    aliases: OnceCell<Aliases>,
}

impl Lab {
    pub(crate) fn new(client: Arc<Client>, suite: Suite, roster: Arc<Roster>) -> Self {
        Self {
            client,
            suite,
            roster,
            a: OnceCell::new(),
            b: OnceCell::new(),
            crowd: OnceCell::new(),
            scene: OnceCell::new(),
            aliases: OnceCell::new(),
        }
    }

    /// A call to a standard route, by its path under the prefix.
    pub(crate) fn call(&self, method: Method, path: impl AsRef<str>) -> Call {
        self.anywhere(method, format!("{}{}", self.client.target.standard_prefix(), path.as_ref()))
    }

    /// A call to any path of the service.
    pub(crate) fn anywhere(&self, method: Method, path: impl Into<String>) -> Call {
        Call::new(&self.client, method, path.into())
    }

    pub(crate) fn get(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: impl AsRef<str>, body: &Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    pub(crate) fn put(&self, path: impl AsRef<str>, body: &Value) -> Call {
        self.call(Method::PUT, path).json(body)
    }

    pub(crate) fn delete(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::DELETE, path)
    }

    pub(crate) fn route(&self, route: &Route, tenant: &str, user: &str) -> Call {
        let call = self.call(route.method(), route.path(tenant, user));
        match route.body(tenant) {
            Some(body) => call.json(&body),
            None => call,
        }
    }

    /// A tenant id of this run; whatever becomes of it is put away at the end.
    pub(crate) fn id(&self, name: &str) -> String {
        let id = format!("mtt-{}-{}-{name}", self.roster.run_id(), self.suite.name());
        self.roster.note(&id);
        id
    }

    /// A word that occurs nowhere else in the service.
    pub(crate) fn word(&self, stem: &str) -> String {
        format!("{stem}{}{}", self.roster.run_id(), self.suite.name())
    }

    /// The suite's first tenant.
    pub(crate) async fn a(&self) -> Result<&str, Stop> {
        Ok(self.a.get_or_try_init(|| self.fresh("a")).await?)
    }

    /// The suite's second tenant.
    pub(crate) async fn b(&self) -> Result<&str, Stop> {
        Ok(self.b.get_or_try_init(|| self.fresh("b")).await?)
    }

    /// A tenant to which the suite has added 150 users.
    pub(crate) async fn crowd(&self) -> Result<&str, Stop> {
        let gather = async || {
            let tenant = self.fresh("crowd").await?;
            let mut made = stream::iter(0..150)
                .map(|n| {
                    let tenant = &tenant;
                    async move { self.user(tenant, &format!("crowd{n:03}")).await }
                })
                .buffer_unordered(16);
            while let Some(user) = made.next().await {
                user?;
            }
            drop(made);
            Ok::<_, Stop>(tenant)
        };
        Ok(self.crowd.get_or_try_init(gather).await?)
    }

    /// Two tenants, the first full of words that must never be seen in the second.
    pub(crate) async fn scene(&self) -> Result<&Scene, Stop> {
        self.scene.get_or_try_init(|| Scene::set(self)).await
    }

    /// A newly activated tenant of its own.
    pub(crate) async fn fresh(&self, name: &str) -> Result<String, Stop> {
        let id = self.id(name);
        let answer = self.activate(&id).await.and_then(|answer| answer.is(200).map(drop));
        answer.map_err(|stop| stop.into_prerequisite("no tenant could be activated"))?;
        Ok(id)
    }

    pub(crate) async fn activate(&self, id: &str) -> Result<Answer, Stop> {
        self.post(format!("/tenant/{id}/activate"), &activation(id)).await
    }

    pub(crate) async fn deactivate(&self, id: &str, preserve_data: bool) -> Result<Answer, Stop> {
        let body = json!({"reason": "admin_request", "preserve_data": preserve_data});
        self.post(format!("/tenant/{id}/deactivate"), &body).await
    }

    /// A new user of the tenant, named after `stem`, as the service answers it.
    pub(crate) async fn user(&self, tenant: &str, stem: &str) -> Result<Value, Stop> {
        self.user_from(tenant, &json!({"email": self.email(stem), "name": format!("User {stem}")})).await
    }

    pub(crate) async fn user_from(&self, tenant: &str, body: &Value) -> Result<Value, Stop> {
        let created = self.post(format!("/tenant/{tenant}/users"), body).await;
        let created = created.and_then(|answer| {
            answer.is(201)?.text_at("/user_id")?;
            Ok(answer)
        });
        Ok(created.map_err(|stop| stop.into_prerequisite("no user could be created"))?.json)
    }

    pub(crate) fn email(&self, stem: &str) -> String {
        format!("{stem}.{}.{}@example.com", self.roster.run_id(), self.suite.name())
    }

    /// Waits until a later change must show in timestamps as fine as this one.
    pub(crate) async fn tick(&self, timestamp: &str) {
        let fraction = timestamp.split_once('.').map_or(0, |(_, rest)| rest.trim_end_matches('Z').len());
        let wait = if fraction == 0 { 1050 } else { 5 };
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    /// Whether the old paths are there, and in which phase.
    pub(crate) async fn aliases(&self) -> Result<Aliases, Stop> {
        self.aliases.get_or_try_init(|| Aliases::find(self)).await.copied()
    }

    /// Skips the check unless the old paths are there and still answer.
    pub(crate) async fn living_aliases(&self) -> Result<Aliases, Stop> {
        match self.aliases().await? {
            Aliases::Absent => Err(skip(NOT_OFFERED)),
            Aliases::Removed => Err(skip("the old paths are removed (410)")),
            living => Ok(living),
        }
    }
}

/// The id in a user as the service answered it; [`Lab::user_from`] has seen that it is there.
pub(crate) fn user_id(user: &Value) -> &str {
    user["user_id"].as_str().unwrap_or_default()
}
