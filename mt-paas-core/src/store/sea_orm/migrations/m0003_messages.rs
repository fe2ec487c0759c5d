//! Messages to the market, and answers that are given again.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration =
    Migration { name: "m0003_messages", up, down: &["DROP TABLE mt_idempotency", "DROP TABLE mt_outbox"] };

fn up(dialect: Dialect) -> Vec<String> {
    let (text, bytes, rowless) = (dialect.text(), dialect.bytes(), dialect.rowless());
    vec![
        format!(
            "CREATE TABLE mt_outbox (
                id {text} NOT NULL PRIMARY KEY,
                tenant_id {text} NOT NULL,
                kind {text} NOT NULL,
                data {text} NOT NULL,
                at BIGINT NOT NULL,
                callback_url {text},
                attempts BIGINT NOT NULL DEFAULT 0,
                next_attempt_at BIGINT,
                sent_at BIGINT
            )"
        ),
        "CREATE INDEX mt_outbox_unsent ON mt_outbox (at, id) WHERE sent_at IS NULL".to_owned(),
        "CREATE INDEX mt_outbox_recent ON mt_outbox (tenant_id, kind, at)".to_owned(),
        format!(
            "CREATE TABLE mt_idempotency (
                market_key {text} NOT NULL,
                route {text} NOT NULL,
                idempotency_key {text} NOT NULL,
                token {text} NOT NULL,
                fingerprint {bytes} NOT NULL,
                at BIGINT NOT NULL,
                expires_at BIGINT NOT NULL,
                status BIGINT,
                body {bytes},
                PRIMARY KEY (market_key, route, idempotency_key)
            ){rowless}"
        ),
        "CREATE INDEX mt_idempotency_expiry ON mt_idempotency (expires_at)".to_owned(),
    ]
}
