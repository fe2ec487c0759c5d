//! Every figure of the dashboard.

use chrono::TimeDelta;
use mt_paas_core::NanoUsd;
use mt_paas_core::period::Zone;
use mt_paas_core::tenants::Tenant;
use mt_paas_core::usage::{Calendar, LedgerEntry, UsageFigures};
use mt_paas_core::users::User;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Subject;
use crate::stores::differential::random_entry;
use crate::stores::fixtures::{
    add, call, chat, day, days, done, join, minute, new_user, noon, open, open_in, record, zone,
};
use crate::stores::violation::{Violation, holds, same};

/// An event that costs so much and nothing else.
fn cost(id: &str, user: &User, nanos: i64) -> LedgerEntry {
    LedgerEntry { cost: Some(NanoUsd::new(nanos)), ..chat(id, noon(), user, "s") }
}

pub(super) async fn no_usage_is_all_zeros(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    same!(*store.stats(&tenant.id, days(-30, 0), noon()).await?, Default::default(), "stats");
    same!(store.costs(&tenant.id, days(-30, 0)).await?, Default::default(), "costs");
    same!(store.top_users(&tenant.id, days(-30, 0), 10).await?, Vec::new(), "top users");
    same!(store.hours(&tenant.id, days(-30, 0)).await?, Vec::new(), "hours");
    same!(store.usage(&tenant.id, days(-30, 0)).await?, UsageFigures::default(), "usage");
    same!(store.storage_bytes(&tenant.id, day(0)).await?, 0, "storage");
    Ok(())
}

pub(super) async fn a_window_is_its_days_and_no_others(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let entries: Vec<LedgerEntry> =
        (-2..=2i64).map(|day| chat(&format!("e{day}"), minute(day * 24 * 60), &user, &format!("s{day}"))).collect();
    record(&*store, &tenant, &entries).await?;
    for (first, last, events) in [(0, 0, 1), (-1, 1, 3), (-9, 9, 5), (3, 9, 0), (2, 2, 1)] {
        same!(store.usage(&tenant.id, days(first, last)).await?.events, events, "events of {first} to {last}");
        let stats = store.stats(&tenant.id, days(first, last), noon()).await?;
        same!(stats.messages, events, "messages of {first} to {last}");
        same!(stats.daily.len() as u64, events, "days of {first} to {last}");
        holds!(stats.daily.is_sorted_by(|a, b| a.date > b.date), "days are not newest first: {:?}", stats.daily);
        let costs = store.costs(&tenant.id, days(first, last)).await?;
        same!(costs.daily.len() as u64, events, "days with costs of {first} to {last}");
        holds!(costs.daily.is_sorted_by(|a, b| a.date > b.date), "days are not newest first: {:?}", costs.daily);
        same!(store.hours(&tenant.id, days(first, last)).await?.len() as u64, events, "hours of {first} to {last}");
        let top: u64 = store.top_users(&tenant.id, days(first, last), 9).await?.iter().map(|user| user.messages).sum();
        same!(top, events, "messages of top users of {first} to {last}");
    }
    Ok(())
}

pub(super) async fn events_without_user_or_model_count(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let nobody = LedgerEntry { user: None, ..chat("a", noon(), &user, "s") };
    let no_model = LedgerEntry { model: None, input_tokens: 0, output_tokens: 0, ..chat("b", noon(), &user, "s2") };
    record(&*store, &tenant, &[nobody, no_model, call("c", noon())]).await?;
    let usage = store.usage(&tenant.id, days(0, 0)).await?;
    let expected = UsageFigures { active_users: 1, sessions: 2, events: 3, tokens: 15, storage_bytes: 0 };
    same!(usage, expected, "usage");
    let stats = store.stats(&tenant.id, days(0, 0), noon()).await?;
    same!((stats.active_users, stats.messages, stats.cost), (1, 2, NanoUsd::new(2000)), "stats");
    let costs = store.costs(&tenant.id, days(0, 0)).await?;
    same!(costs.by_model.len(), 1, "models with costs");
    same!(costs.top_users.len(), 1, "users with costs");
    holds!(costs.unpriced_models.is_empty(), "models without a price: {:?}", costs.unpriced_models);
    Ok(())
}

pub(super) async fn storage_is_a_gauge(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let gauge =
        |id: &str, minutes: i64, bytes: u64| LedgerEntry { storage_bytes: Some(bytes), ..call(id, minute(minutes)) };
    record(&*store, &tenant, &[gauge("b", 0, 500), gauge("a", 10, 300), call("later", minute(20))]).await?;
    same!(store.storage_bytes(&tenant.id, day(0)).await?, 300, "the last of the day");
    record(&*store, &tenant, &[gauge("late", 5, 999)]).await?;
    same!(store.storage_bytes(&tenant.id, day(0)).await?, 300, "after an earlier one came late");
    record(&*store, &tenant, &[gauge("B", 10, 777)]).await?;
    same!(store.storage_bytes(&tenant.id, day(0)).await?, 300, "after one of the same time with a smaller id");
    record(&*store, &tenant, &[gauge("c", 10, 0)]).await?;
    same!(store.storage_bytes(&tenant.id, day(0)).await?, 0, "after one of the same time with a greater id");
    record(&*store, &tenant, &[gauge("d", 3 * 24 * 60, 1 << 61)]).await?;
    for (on, bytes) in [(-1, 0), (0, 0), (2, 0), (3, 1 << 61), (400, 1 << 61)] {
        same!(store.storage_bytes(&tenant.id, day(on)).await?, bytes, "storage {on} days on");
    }
    same!(store.usage(&tenant.id, days(1, 2)).await?.storage_bytes, 0, "the gauge of a window without one");
    same!(store.usage(&tenant.id, days(0, 3)).await?.storage_bytes, 1 << 61, "the last gauge of a window");
    Ok(())
}

pub(super) async fn a_deleted_user_leaves_lists_and_not_totals(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let (kept, gone) = (join(&*store, &tenant, "kept").await?, join(&*store, &tenant, "gone").await?);
    record(&*store, &tenant, &[chat("a", noon(), &kept, "s"), chat("b", noon(), &gone, "s2")]).await?;
    let before = store.stats(&tenant.id, days(0, 0), noon()).await?;
    same!((before.total_users, before.active_users, before.daily[0].users), (2, 2, 2), "users before");
    store.delete_user(&tenant.id, tenant.revision, &gone.id, &[]).await?;
    let stats = store.stats(&tenant.id, days(0, 0), noon()).await?;
    same!((stats.total_users, stats.active_users, stats.new_users), (1, 1, 1), "users in stats");
    same!(stats.daily[0].users, 1, "users of the day");
    same!((stats.sessions, stats.tokens, stats.cost), (2, 30, NanoUsd::new(2000)), "totals in stats");
    same!(store.usage(&tenant.id, days(0, 0)).await?.active_users, 2, "everyone who was active");
    let top = store.top_users(&tenant.id, days(0, 0), 9).await?;
    same!(top.iter().map(|user| user.user_id.as_str()).collect::<Vec<_>>(), ["kept"], "top users");
    let costs = store.costs(&tenant.id, days(0, 0)).await?;
    same!(costs.top_users.iter().map(|user| user.user_id.as_str()).collect::<Vec<_>>(), ["kept"], "dearest users");
    same!(costs.by_model[0].cost_usd, NanoUsd::new(2000), "cost of the model");
    Ok(())
}

pub(super) async fn models_without_a_price_are_named(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let of = |id: &str, model: &str, cost: Option<i64>| LedgerEntry {
        model: Some(model.to_owned()),
        cost: cost.map(NanoUsd::new),
        ..chat(id, noon(), &user, "s")
    };
    // A model may have a price from some day on, and a free one costs nothing and is priced.
    let entries = [
        of("1", "zeta", None),
        of("2", "Beta", None),
        of("3", "half", None),
        of("4", "half", Some(7)),
        of("5", "free", Some(0)),
        of("6", "also free", Some(0)),
    ];
    record(&*store, &tenant, &entries).await?;
    let costs = store.costs(&tenant.id, days(0, 0)).await?;
    same!(costs.unpriced_models, ["Beta", "half", "zeta"], "models without a price");
    let models: Vec<_> = costs.by_model.iter().map(|row| (row.model.as_str(), row.cost_usd.nanos())).collect();
    same!(models, [("half", 7), ("also free", 0), ("free", 0)], "models with a price, dearest first");
    same!(costs.by_model[0].input_tokens, 10, "tokens of the priced part");
    let stats = store.stats(&tenant.id, days(0, 0), noon()).await?;
    same!((stats.tokens, stats.cost), (90, NanoUsd::new(7)), "the totals");
    Ok(())
}

pub(super) async fn ten_users_cost_most_in_order(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let mut entries = Vec::new();
    for (number, nanos) in [5, 9, 9, 1, 0, 2, 9, 4, 3, 8, 7, 6, 1].into_iter().enumerate() {
        // Ids that fall while costs tie, and two that differ by case only.
        let id = if number == 6 { "U06".to_owned() } else { format!("u{number:02}") };
        let user = join(&*store, &tenant, &id).await?;
        entries.push(cost(&format!("e{number}"), &user, nanos));
    }
    record(&*store, &tenant, &entries).await?;
    let costs = store.costs(&tenant.id, days(0, 0)).await?;
    let top: Vec<_> = costs.top_users.iter().map(|user| (user.user_id.as_str(), user.cost_usd.nanos())).collect();
    let expected = [
        ("U06", 9),
        ("u01", 9),
        ("u02", 9),
        ("u09", 8),
        ("u10", 7),
        ("u11", 6),
        ("u00", 5),
        ("u07", 4),
        ("u08", 3),
        ("u05", 2),
    ];
    same!(top, expected, "the ten dearest users");
    same!(costs.top_users[0].name, "User U06", "the name of the first");
    same!(costs.top_users[0].tokens, 15, "the tokens of the first");
    // Who costs nothing is not in the list, even where there is room.
    store.purge_users(&tenant.id, tenant.revision).await?;
    let frugal = join(&*store, &tenant, "frugal").await?;
    record(&*store, &tenant, &[cost("e13", &frugal, 0)]).await?;
    same!(store.costs(&tenant.id, days(0, 0)).await?.top_users, Vec::new(), "users without costs");
    Ok(())
}

pub(super) async fn top_users_are_in_order(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let mut entries = Vec::new();
    for (number, (id, tokens, messages)) in
        [("a", 5, 1), ("b", 7, 1), ("c", 5, 2), ("B", 5, 1), ("idle", 0, 0)].into_iter().enumerate()
    {
        // An address is the same in capital letters.
        let user = if ["c", "B"].contains(&id) {
            let user = User { email: None, ..new_user(&tenant, id)? };
            add(&*store, &tenant, &user).await?;
            user
        } else {
            join(&*store, &tenant, id).await?
        };
        let at = minute(number as i64);
        let event = LedgerEntry { input_tokens: tokens, output_tokens: 0, messages, ..chat(id, at, &user, id) };
        entries.push(event);
    }
    join(&*store, &tenant, "absent").await?;
    record(&*store, &tenant, &entries).await?;
    let top = store.top_users(&tenant.id, days(0, 0), 10).await?;
    let order: Vec<&str> = top.iter().map(|user| user.user_id.as_str()).collect();
    same!(order, ["b", "c", "B", "a", "idle"], "top users");
    let second = &top[1];
    same!((second.name.as_str(), second.email.as_str()), ("User c", ""), "name and address of one without address");
    same!((second.sessions, second.messages, second.tokens), (1, 2, 5), "figures of one");
    same!(second.last_active, minute(2), "when one was active last");
    same!(store.top_users(&tenant.id, days(0, 0), 2).await?, top[..2].to_vec(), "the first two");
    Ok(())
}

pub(super) async fn new_users_are_those_since_the_moment(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let us = TimeDelta::microseconds(1);
    for (id, created_at) in [("before", noon() - us), ("at", noon()), ("after", noon() + us)] {
        add(&*store, &tenant, &User { created_at, ..new_user(&tenant, id)? }).await?;
    }
    for (since, new) in [(noon() - us, 3), (noon(), 2), (noon() + us, 1), (minute(1), 0)] {
        let stats = store.stats(&tenant.id, days(0, 0), since).await?;
        same!((stats.total_users, stats.new_users), (3, new), "users and new users since {since}");
    }
    Ok(())
}

pub(super) async fn costs_agree_with_stats(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let mut random = StdRng::seed_from_u64(7);
    let users = [user];
    let entries: Vec<LedgerEntry> =
        (0..200).map(|number| random_entry(&mut random, &format!("e{number}"), &users)).collect();
    record(&*store, &tenant, &entries).await?;
    let window = days(-60, 60);
    let (stats, costs) = (store.stats(&tenant.id, window, noon()).await?, store.costs(&tenant.id, window).await?);
    let by_model: NanoUsd = costs.by_model.iter().map(|row| row.cost_usd).sum();
    let daily: NanoUsd = costs.daily.iter().map(|row| row.cost_usd).sum();
    same!((by_model, daily), (stats.cost, stats.cost), "cost by model and by day");
    holds!(stats.cost > NanoUsd::ZERO, "nothing cost anything");
    same!(stats.daily.iter().map(|day| day.tokens).sum::<u64>(), stats.tokens, "tokens by day");
    same!(store.usage(&tenant.id, window).await?.tokens, stats.tokens, "tokens of the bill");
    Ok(())
}

pub(super) async fn hours_are_in_order_and_whole(store: Subject) -> Result<(), Violation> {
    let tenant = open(&*store, "t").await?;
    let user = join(&*store, &tenant, "u").await?;
    let entries = [
        chat("d", minute(24 * 60), &user, "s2"),
        chat("a", minute(59), &user, "s"),
        chat("b", minute(60), &user, "s"),
        call("c", minute(61)),
        call("e", minute(-12 * 60)),
    ];
    record(&*store, &tenant, &entries).await?;
    let hours = store.hours(&tenant.id, days(0, 1)).await?;
    let found: Vec<_> =
        hours.iter().map(|hour| (hour.date, hour.hour, hour.sessions, hour.messages, hour.tokens)).collect();
    let expected = [(day(0), 0, 0, 0, 0), (day(0), 12, 1, 1, 15), (day(0), 13, 0, 1, 15), (day(1), 12, 1, 1, 15)];
    same!(found, expected, "the hours");
    Ok(())
}

pub(super) async fn a_day_begins_where_the_tenant_lives(store: Subject) -> Result<(), Violation> {
    let seoul = open_in(&*store, "seoul", zone("Asia/Seoul")?).await?;
    let user = join(&*store, &seoul, "u").await?;
    // Midnight in Seoul is 15:00 in UTC.
    let midnight = minute(3 * 60);
    let before = midnight - TimeDelta::microseconds(1);
    record(&*store, &seoul, &[chat("a", before, &user, "s"), chat("b", midnight, &user, "s2")]).await?;
    let hours = store.hours(&seoul.id, days(-9, 9)).await?;
    let hours: Vec<_> = hours.iter().map(|hour| (hour.date, hour.hour)).collect();
    same!(hours, [(day(0), 23), (day(1), 0)], "the hours");
    for on in [0, 1] {
        same!(store.usage(&seoul.id, days(on, on)).await?.sessions, 1, "sessions {on} days on");
    }
    Ok(())
}

pub(super) async fn a_change_of_the_zone_counts_again(store: Subject) -> Result<(), Violation> {
    let (tenant, other) = (open(&*store, "t").await?, open(&*store, "other").await?);
    let users = [join(&*store, &tenant, "u").await?, join(&*store, &tenant, "v").await?];
    let mut random = StdRng::seed_from_u64(11);
    let entries: Vec<LedgerEntry> =
        (0..120).map(|number| random_entry(&mut random, &format!("e{number}"), &users)).collect();
    record(&*store, &tenant, &entries[..100]).await?;
    record(&*store, &other, &entries[..50]).await?;
    let elsewhere = store.hours(&other.id, days(-60, 60)).await?;
    let mut tenant = tenant;
    for name in ["Asia/Seoul", "America/St_Johns", "Asia/Kathmandu", "UTC"] {
        tenant.zone = zone(name)?;
        tenant.revision = done(store.save_tenant(&tenant, Some(tenant.revision), false, &[], &[]).await?)?;
        agrees(&store, &tenant, &entries[..100], &users, name).await?;
    }
    tenant.zone = zone("Asia/Seoul")?;
    tenant.revision = done(store.save_tenant(&tenant, Some(tenant.revision), false, &[], &[]).await?)?;
    record(&*store, &tenant, &entries[100..]).await?;
    agrees(&store, &tenant, &entries, &users, "Asia/Seoul, with more events").await?;
    same!(store.hours(&other.id, days(-60, 60)).await?, elsewhere, "hours of the other tenant");
    Ok(())
}

pub(super) async fn figures_are_those_of_the_calendar(store: Subject) -> Result<(), Violation> {
    for (id, zone_name) in [("utc", "UTC"), ("new-york", "America/New_York")] {
        let tenant = open_in(&*store, id, zone(zone_name)?).await?;
        let mut users = Vec::new();
        for number in 0..15 {
            users.push(join(&*store, &tenant, &format!("u{number}")).await?);
        }
        let seed: u64 = rand::random();
        let mut random = StdRng::seed_from_u64(seed);
        let entries: Vec<LedgerEntry> =
            (0..300).map(|number| random_entry(&mut random, &format!("e{number}"), &users)).collect();
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(random.random_range(1..=rest.len().min(60)));
            record(&*store, &tenant, batch).await?;
            rest = later;
        }
        for gone in users.split_off(11) {
            store.delete_user(&tenant.id, tenant.revision, &gone.id, &[]).await?;
        }
        agrees(&store, &tenant, &entries, &users, &format!("seed {seed}")).await?;
    }
    Ok(())
}

pub(super) async fn an_audit_of_a_good_store_finds_nothing(store: Subject) -> Result<(), Violation> {
    let tenant = open_in(&*store, "t", zone("Asia/Seoul")?).await?;
    let users = [join(&*store, &tenant, "u").await?, join(&*store, &tenant, "v").await?];
    let mut random = StdRng::seed_from_u64(13);
    let entries: Vec<LedgerEntry> =
        (0..200).map(|number| random_entry(&mut random, &format!("e{number}"), &users)).collect();
    for batch in entries.chunks(23) {
        record(&*store, &tenant, batch).await?;
    }
    for repair in [false, true, false] {
        same!(store.audit_usage(&tenant.id, repair).await?, Vec::new(), "the audit (repair: {repair})");
        agrees(&store, &tenant, &entries, &users, "after an audit").await?;
    }
    same!(store.audit_usage(&"nobody".parse()?, true).await?, Vec::new(), "the audit of no tenant");
    Ok(())
}

/// Compares every figure with the count of the same events.
async fn agrees(
    store: &Subject,
    tenant: &Tenant,
    entries: &[LedgerEntry],
    users: &[User],
    when: &str,
) -> Result<(), Violation> {
    let calendar = Calendar::count(entries, tenant.zone);
    let user = |id: &mt_paas_core::UserId| users.iter().find(|user| user.id == *id);
    for window in [days(0, 0), days(-29, 0), days(-3, 3), days(-60, 60)] {
        let mut stats = calendar.stats(window, |id| user(id).is_some());
        stats.total_users = users.len() as u64;
        stats.new_users = users.len() as u64;
        same!(*store.stats(&tenant.id, window, noon()).await?, stats, "stats ({when})");
        let costs = calendar.costs(window, |id| user(id).map(|user| user.name.clone()));
        same!(store.costs(&tenant.id, window).await?, costs, "costs ({when})");
        for limit in [3, 50] {
            let person = |id: &_| user(id).map(|user| (user.name.clone(), user.email.clone().unwrap_or_default()));
            let top = calendar.top_users(window, limit, person);
            same!(store.top_users(&tenant.id, window, limit).await?, top, "{limit} top users ({when})");
        }
        same!(store.usage(&tenant.id, window).await?, calendar.usage(window), "usage ({when})");
        let hours: Vec<_> =
            calendar.hours.range((window.first, 0)..=(window.last, 23)).map(|(_, hour)| *hour).collect();
        same!(store.hours(&tenant.id, window).await?, hours, "hours ({when})");
        let storage = calendar.storage.range(..=window.last).next_back().map_or(0, |(_, bytes)| *bytes);
        same!(store.storage_bytes(&tenant.id, window.last).await?, storage, "storage ({when})");
    }
    for user in users {
        let found = store.user(&tenant.id, &user.id).await?.map(|(_, usage)| usage);
        let expected = calendar.users.get(&user.id).copied().unwrap_or_default();
        same!(found, Some(expected), "usage of {} ({when})", user.id);
    }
    holds!(tenant.zone == Zone::UTC || !calendar.rows.is_empty(), "nothing was compared ({when})");
    Ok(())
}
