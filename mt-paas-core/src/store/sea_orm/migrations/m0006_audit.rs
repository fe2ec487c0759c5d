//! The audit trail.

use sea_orm::DbBackend;

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "m0006_audit", up, down: &["DROP TABLE mt_audit"] };

fn up(dialect: Dialect) -> Vec<String> {
    let (text, bytes) = (dialect.text(), dialect.bytes());
    // SQLite holds any type in any column unless it is told not to.
    let (number, options) =
        if dialect.0 == DbBackend::Sqlite { ("INTEGER", " WITHOUT ROWID, STRICT") } else { ("BIGINT", "") };
    vec![
        format!(
            "CREATE TABLE mt_audit (
                writer {text} NOT NULL,
                seq {number} NOT NULL,
                id {text} NOT NULL,
                at {number} NOT NULL,
                tenant_id {text},
                actor_kind {text} NOT NULL,
                actor_id {text},
                action {text} NOT NULL,
                target_kind {text},
                target_id {text},
                outcome {text} NOT NULL,
                reason {text},
                request_id {text},
                address {text},
                details {text} NOT NULL,
                previous {bytes} NOT NULL,
                hash {bytes} NOT NULL,
                PRIMARY KEY (writer, seq)
            ){options}"
        ),
        "CREATE INDEX mt_audit_time ON mt_audit (at, id)".to_owned(),
        "CREATE INDEX mt_audit_tenant ON mt_audit (tenant_id, at, id)".to_owned(),
        // An audit of the trail reads these first.
        "CREATE INDEX mt_audit_anchors ON mt_audit (writer, seq) WHERE action = 'audit.anchor'".to_owned(),
    ]
}
