//! Counts a ledger by a tenant's calendar. This is what the roll-ups of every store must come to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::{CostFigures, LedgerEntry, StatsFigures, UsageFigures};
use crate::ids::{TenantId, UserId};
use crate::money::NanoUsd;
use crate::period::{DateRange, Period, Zone};
use crate::standard_api::{
    DailyCost, DailyTrend, HourBucket, ModelCost, TopUser, UsagePatternsResponse, UserCost, UserUsage, WeekdayBucket,
};

/// Which daily row an event counts in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The day of the tenant's calendar.
    pub date: NaiveDate,
    /// Who caused it.
    pub user: Option<UserId>,
    /// The model.
    pub model: Option<String>,
    /// Whether the price was known.
    pub priced: bool,
}

/// The sums of a daily row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowSums {
    /// Sessions whose first event is in the row.
    pub sessions: u64,
    /// Events.
    pub events: u64,
    /// Messages.
    pub messages: u64,
    /// Tokens sent.
    pub input_tokens: u64,
    /// Tokens that came back.
    pub output_tokens: u64,
    /// Cost of the priced events.
    pub cost: NanoUsd,
    /// The last event.
    pub last_at: DateTime<Utc>,
}

/// The sums of an hour of the tenant's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalendarHour {
    /// The day.
    pub date: NaiveDate,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// Sessions whose first event is in the hour.
    pub sessions: u64,
    /// Messages.
    pub messages: u64,
    /// Input and output tokens.
    pub tokens: u64,
}

/// A ledger, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// By day, user and model.
    pub rows: BTreeMap<RowKey, RowSums>,
    /// By day and hour.
    pub hours: BTreeMap<(NaiveDate, u8), CalendarHour>,
    /// The last storage gauge of each day, in bytes.
    pub storage: BTreeMap<NaiveDate, u64>,
    /// What each user used so far.
    pub users: BTreeMap<UserId, UserUsage>,
}

/// Counts entries one by one, in any order.
#[derive(Debug)]
pub struct Counter {
    zone: Zone,
    calendar: Calendar,
    first_of_session: HashMap<String, (DateTime<Utc>, String, RowKey)>,
    last_gauge: BTreeMap<NaiveDate, (DateTime<Utc>, String)>,
}

impl RowKey {
    /// The daily row of an entry.
    pub fn of(entry: &LedgerEntry, zone: Zone) -> Self {
        Self {
            date: zone.date(entry.at),
            user: entry.user.clone(),
            model: entry.model.clone(),
            priced: entry.cost.is_some(),
        }
    }
}

impl RowSums {
    /// Adds an entry, without its session.
    pub fn add(&mut self, entry: &LedgerEntry) {
        self.events += 1;
        self.messages += entry.messages;
        self.input_tokens += entry.input_tokens;
        self.output_tokens += entry.output_tokens;
        self.cost += entry.cost.unwrap_or_default();
        self.last_at = self.last_at.max(entry.at);
    }

    /// Input and output tokens.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

impl Counter {
    /// Nothing counted yet.
    pub fn new(zone: Zone) -> Self {
        Self { zone, calendar: Calendar::default(), first_of_session: HashMap::new(), last_gauge: BTreeMap::new() }
    }

    /// Counts an entry. Each id may be added once.
    pub fn add(&mut self, entry: &LedgerEntry) {
        let row = RowKey::of(entry, self.zone);
        self.calendar.rows.entry(row.clone()).or_default().add(entry);
        let hour = self.calendar.hour(row.date, self.zone.hour(entry.at));
        hour.messages += entry.messages;
        hour.tokens += entry.tokens();
        if let Some(bytes) = entry.storage_bytes {
            let now = (entry.at, entry.id.clone());
            if self.last_gauge.get(&row.date).is_none_or(|last| *last < now) {
                self.last_gauge.insert(row.date, now);
                self.calendar.storage.insert(row.date, bytes);
            }
        }
        if let Some(session) = &entry.session {
            let first = self.first_of_session.get(session);
            if first.is_none_or(|(at, id, _)| (entry.at, entry.id.as_str()) < (*at, id.as_str())) {
                self.first_of_session.insert(session.clone(), (entry.at, entry.id.clone(), row));
            }
        }
    }

    /// The first event of each session so far: when it was, its id, and the row that the session counts in.
    #[cfg(feature = "sea-orm")]
    pub(crate) fn first_events(&self) -> &HashMap<String, (DateTime<Utc>, String, RowKey)> {
        &self.first_of_session
    }

    /// The event of each day's last storage gauge so far: when it was, and its id.
    #[cfg(feature = "sea-orm")]
    pub(crate) fn last_gauges(&self) -> &BTreeMap<NaiveDate, (DateTime<Utc>, String)> {
        &self.last_gauge
    }

    /// The sums.
    pub fn finish(self) -> Calendar {
        let mut calendar = self.calendar;
        for (at, _, row) in self.first_of_session.into_values() {
            calendar.hour(row.date, self.zone.hour(at)).sessions += 1;
            // The row exists: the session's first event was counted in it.
            calendar.rows.entry(row).or_default().sessions += 1;
        }
        for (row, sums) in &calendar.rows {
            if let Some(user) = &row.user {
                let used = calendar.users.entry(user.clone()).or_default();
                used.sessions += sums.sessions;
                used.messages += sums.messages;
                used.tokens += sums.tokens();
            }
        }
        calendar
    }
}

impl Calendar {
    /// Counts a whole ledger.
    pub fn count<'a>(entries: impl IntoIterator<Item = &'a LedgerEntry>, zone: Zone) -> Self {
        let mut counter = Counter::new(zone);
        entries.into_iter().for_each(|entry| counter.add(entry));
        counter.finish()
    }

    fn hour(&mut self, date: NaiveDate, hour: u8) -> &mut CalendarHour {
        let empty = CalendarHour { date, hour, sessions: 0, messages: 0, tokens: 0 };
        self.hours.entry((date, hour)).or_insert(empty)
    }

    fn within(&self, days: DateRange) -> impl Iterator<Item = (&RowKey, &RowSums)> {
        self.rows.iter().filter(move |(row, _)| (days.first..=days.last).contains(&row.date))
    }

    /// The usage part of `stats`; `exists` tells users that are there from users that are gone.
    pub fn stats(&self, days: DateRange, exists: impl Fn(&UserId) -> bool) -> StatsFigures {
        let mut figures = StatsFigures::default();
        let mut active = BTreeSet::new();
        let mut by_day: BTreeMap<NaiveDate, (DailyTrend, BTreeSet<&UserId>)> = BTreeMap::new();
        for (row, sums) in self.within(days) {
            figures.sessions += sums.sessions;
            figures.messages += sums.messages;
            figures.tokens += sums.tokens();
            figures.cost += sums.cost;
            let empty = DailyTrend { date: row.date, users: 0, messages: 0, tokens: 0 };
            let (day, users) = by_day.entry(row.date).or_insert((empty, BTreeSet::new()));
            day.messages += sums.messages;
            day.tokens += sums.tokens();
            if let Some(user) = row.user.as_ref().filter(|user| exists(user)) {
                active.insert(user);
                users.insert(user);
            }
        }
        figures.active_users = active.len() as u64;
        figures.daily =
            by_day.into_values().rev().map(|(day, users)| DailyTrend { users: users.len() as u64, ..day }).collect();
        figures
    }

    /// The figures of `costs`; `name_of` gives the name of a user that exists.
    pub fn costs(&self, days: DateRange, name_of: impl Fn(&UserId) -> Option<String>) -> CostFigures {
        let mut models: BTreeMap<&String, ModelCost> = BTreeMap::new();
        let mut users: BTreeMap<&UserId, (NanoUsd, u64)> = BTreeMap::new();
        let mut daily: BTreeMap<NaiveDate, NanoUsd> = BTreeMap::new();
        let mut unpriced = BTreeSet::new();
        for (row, sums) in self.within(days) {
            *daily.entry(row.date).or_default() += sums.cost;
            if let Some(user) = &row.user {
                let (cost, tokens) = users.entry(user).or_default();
                *cost += sums.cost;
                *tokens += sums.tokens();
            }
            match &row.model {
                Some(model) if row.priced => {
                    let empty =
                        ModelCost { model: model.clone(), input_tokens: 0, output_tokens: 0, cost_usd: NanoUsd::ZERO };
                    let sum = models.entry(model).or_insert(empty);
                    sum.input_tokens += sums.input_tokens;
                    sum.output_tokens += sums.output_tokens;
                    sum.cost_usd += sums.cost;
                }
                Some(model) => {
                    unpriced.insert(model.clone());
                }
                None => {}
            }
        }
        let mut by_model: Vec<ModelCost> = models.into_values().collect();
        by_model.sort_by(|a, b| b.cost_usd.cmp(&a.cost_usd).then_with(|| a.model.cmp(&b.model)));
        let mut top_users: Vec<UserCost> = users
            .into_iter()
            .filter(|(_, (cost, _))| *cost > NanoUsd::ZERO)
            .filter_map(|(user, (cost_usd, tokens))| {
                Some(UserCost { user_id: user.clone(), name: name_of(user)?, cost_usd, tokens })
            })
            .collect();
        top_users.sort_by(|a, b| b.cost_usd.cmp(&a.cost_usd).then_with(|| a.user_id.cmp(&b.user_id)));
        top_users.truncate(10);
        CostFigures {
            by_model,
            top_users,
            daily: daily.into_iter().rev().map(|(date, cost_usd)| DailyCost { date, cost_usd }).collect(),
            unpriced_models: unpriced.into_iter().collect(),
        }
    }

    /// The users with most tokens; `person` gives name and address of a user that exists.
    pub fn top_users(
        &self,
        days: DateRange,
        limit: u32,
        person: impl Fn(&UserId) -> Option<(String, String)>,
    ) -> Vec<TopUser> {
        let mut users: BTreeMap<&UserId, RowSums> = BTreeMap::new();
        for (row, sums) in self.within(days) {
            let Some(user) = &row.user else { continue };
            let sum = users.entry(user).or_default();
            sum.sessions += sums.sessions;
            sum.messages += sums.messages;
            sum.input_tokens += sums.tokens();
            sum.last_at = sum.last_at.max(sums.last_at);
        }
        let mut top: Vec<TopUser> = users
            .into_iter()
            .filter_map(|(user, sums)| {
                let (name, email) = person(user)?;
                Some(TopUser {
                    user_id: user.clone(),
                    name,
                    email,
                    sessions: sums.sessions,
                    messages: sums.messages,
                    tokens: sums.input_tokens,
                    last_active: sums.last_at,
                })
            })
            .collect();
        top.sort_by(|a, b| (b.tokens, b.messages).cmp(&(a.tokens, a.messages)).then_with(|| a.user_id.cmp(&b.user_id)));
        top.truncate(limit as usize);
        top
    }

    /// The figures of `usage`.
    pub fn usage(&self, days: DateRange) -> UsageFigures {
        let mut figures = UsageFigures::default();
        let mut active = BTreeSet::new();
        for (row, sums) in self.within(days) {
            figures.sessions += sums.sessions;
            figures.events += sums.events;
            figures.tokens += sums.tokens();
            active.extend(&row.user);
        }
        figures.active_users = active.len() as u64;
        let gauges = self.storage.range(days.first..).take_while(|(day, _)| **day <= days.last);
        figures.storage_bytes = gauges.last().map_or(0, |(_, bytes)| *bytes);
        figures
    }
}

/// Folds hours of the calendar into hours of the day and days of the week.
pub fn patterns(tenant: &TenantId, period: Period, zone: Zone, hours: &[CalendarHour]) -> UsagePatternsResponse {
    let mut by_hour: Vec<HourBucket> = (0..24).map(|hour| HourBucket { hour, ..HourBucket::default() }).collect();
    let mut by_weekday: Vec<WeekdayBucket> =
        (1..=7).map(|weekday| WeekdayBucket { weekday, ..WeekdayBucket::default() }).collect();
    for row in hours {
        let hour = &mut by_hour[usize::from(row.hour % 24)];
        hour.sessions += row.sessions;
        hour.messages += row.messages;
        hour.tokens += row.tokens;
        let weekday = &mut by_weekday[row.date.weekday().num_days_from_monday() as usize];
        weekday.sessions += row.sessions;
        weekday.messages += row.messages;
        weekday.tokens += row.tokens;
    }
    let peak = by_hour.iter().filter(|hour| hour.messages > 0).rev().max_by_key(|hour| hour.messages);
    let peak_hour = peak.map(|hour| hour.hour);
    UsagePatternsResponse { tenant_id: tenant.clone(), period, timezone: zone, by_hour, by_weekday, peak_hour }
}
