//! What a new tenant finds: demonstration users, sixty days of their usage, some things they made.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::ledger::{Event, MODELS};
use super::world::{Item, User};

const USERS: u32 = 12;
const DAYS: u32 = 60;
const ITEMS: &[(&str, u32)] = &[("course", 24), ("discussion", 5), ("document", 4), ("session", 3)];

/// Demonstration users, the newest twelve days old.
pub(super) fn users(now: DateTime<Utc>) -> Vec<User> {
    let user = |n: u32| User {
        id: user_id(),
        email: format!("demo{n:02}@example.org"),
        name: format!("Demo {n:02}"),
        role: ["user", "user", "moderator", "user", "admin"][n as usize % 5].into(),
        status: if n % 6 == 5 { "inactive" } else { "active" }.into(),
        created_at: now - TimeDelta::days(i64::from(if n == 0 { 12 } else { 61 + n })),
    };
    (0..USERS).map(user).collect()
}

/// Three sessions a day; every user works with every model, and no two users cost the same.
pub(super) fn events(users: &[User], now: DateTime<Utc>) -> Vec<Event> {
    let mut events = Vec::new();
    for day in 0..DAYS {
        for turn in 0..3 {
            let n = (day * 3 + turn) as usize;
            let user = n % users.len();
            let at = now - TimeDelta::days(day.into()) - TimeDelta::minutes(i64::from(turn * 97 + day % 7));
            let grown = (users[user].created_at < at).then_some(user);
            let (weight, noise) = (user as u64 + 1, u64::from(day % 11));
            events.extend(grown.map(|user| Event {
                user_id: users[user].id.clone(),
                at,
                model: (n / users.len()) % MODELS.len(),
                messages: 3 + noise + u64::from(turn),
                input: 1_700 * weight + 31 * noise,
                output: 430 * weight + 7 * noise,
            }));
        }
    }
    events
}

/// Things of every kind, each made by one of the users.
pub(super) fn items(users: &[User], now: DateTime<Utc>) -> Vec<Item> {
    let item = |kind: &'static str, n: u32| Item {
        id: format!("{kind}_{}", Uuid::new_v4().simple()),
        kind,
        title: format!("Demonstration {kind} {n:02}"),
        created_by: users[n as usize % users.len()].id.clone(),
        created_at: now - TimeDelta::days(i64::from(40 - n)),
    };
    ITEMS.iter().flat_map(|(kind, count)| (0..*count).map(|n| item(kind, n))).collect()
}

/// A new user id: opaque, fit for a path, not to be guessed from another.
pub(super) fn user_id() -> String {
    format!("u_{}", Uuid::new_v4().simple())
}
