//! The ledger of usage and its roll-ups. In the keys of roll-ups the empty text stands for nobody and for no model.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration {
    name: "m0002_usage",
    up,
    down: &[
        "DROP TABLE mt_usage_users",
        "DROP TABLE mt_usage_storage",
        "DROP TABLE mt_usage_hourly",
        "DROP TABLE mt_usage_daily",
        "DROP TABLE mt_usage_sessions",
        "DROP TABLE mt_usage_events",
    ],
};

fn up(dialect: Dialect) -> Vec<String> {
    let (text, rowless) = (dialect.text(), dialect.rowless());
    vec![
        format!(
            "CREATE TABLE mt_usage_events (
                tenant_id {text} NOT NULL,
                event_id {text} NOT NULL,
                at BIGINT NOT NULL,
                user_id {text},
                session_id {text},
                messages BIGINT NOT NULL,
                model {text},
                input_tokens BIGINT NOT NULL,
                output_tokens BIGINT NOT NULL,
                storage_bytes BIGINT,
                cost BIGINT,
                PRIMARY KEY (tenant_id, event_id)
            ){rowless}"
        ),
        // The first event of each session, which says where the session counts.
        format!(
            "CREATE TABLE mt_usage_sessions (
                tenant_id {text} NOT NULL,
                session_id {text} NOT NULL,
                at BIGINT NOT NULL,
                event_id {text} NOT NULL,
                user_id {text} NOT NULL,
                model {text} NOT NULL,
                priced BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, session_id)
            ){rowless}"
        ),
        format!(
            "CREATE TABLE mt_usage_daily (
                tenant_id {text} NOT NULL,
                day BIGINT NOT NULL,
                user_id {text} NOT NULL,
                model {text} NOT NULL,
                priced BIGINT NOT NULL,
                sessions BIGINT NOT NULL,
                events BIGINT NOT NULL,
                messages BIGINT NOT NULL,
                input_tokens BIGINT NOT NULL,
                output_tokens BIGINT NOT NULL,
                cost BIGINT NOT NULL,
                last_at BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, day, user_id, model, priced)
            ){rowless}"
        ),
        format!(
            "CREATE TABLE mt_usage_hourly (
                tenant_id {text} NOT NULL,
                day BIGINT NOT NULL,
                hour BIGINT NOT NULL,
                sessions BIGINT NOT NULL,
                messages BIGINT NOT NULL,
                tokens BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, day, hour)
            ){rowless}"
        ),
        // The last gauge of each day.
        format!(
            "CREATE TABLE mt_usage_storage (
                tenant_id {text} NOT NULL,
                day BIGINT NOT NULL,
                at BIGINT NOT NULL,
                event_id {text} NOT NULL,
                bytes BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, day)
            ){rowless}"
        ),
        // What each user used so far, for lists.
        format!(
            "CREATE TABLE mt_usage_users (
                tenant_id {text} NOT NULL,
                user_id {text} NOT NULL,
                sessions BIGINT NOT NULL,
                messages BIGINT NOT NULL,
                tokens BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, user_id)
            ){rowless}"
        ),
    ]
}
