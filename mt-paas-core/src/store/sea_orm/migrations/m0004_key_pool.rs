//! The list of a key pool's changes, and the clock of those who share it.

use sea_orm::DbBackend;

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration {
    name: "m0004_key_pool",
    up,
    down: &["DROP TABLE IF EXISTS mt_key_pool_clock", "DROP TABLE mt_key_pool"],
};

fn up(dialect: Dialect) -> Vec<String> {
    let text = dialect.text();
    if dialect.0 == DbBackend::Sqlite {
        vec![
            // INTEGER, not BIGINT, makes the number the key of the table's own tree.
            "CREATE TABLE mt_key_pool (
                version INTEGER NOT NULL PRIMARY KEY,
                whole BIGINT NOT NULL,
                at BIGINT NOT NULL,
                wakes TEXT NOT NULL,
                data TEXT NOT NULL
            )"
            .to_owned(),
            "CREATE TABLE mt_key_pool_clock (
                id BIGINT NOT NULL PRIMARY KEY,
                boot TEXT NOT NULL,
                started_at BIGINT NOT NULL
            )"
            .to_owned(),
        ]
    } else {
        vec![
            // Who is to be woken is told by NOTIFY, and the time by the server. Long entries have several parts.
            format!(
                "CREATE TABLE mt_key_pool (
                    version BIGINT NOT NULL,
                    part BIGINT NOT NULL,
                    whole BIGINT NOT NULL,
                    at BIGINT NOT NULL,
                    data {text} NOT NULL,
                    PRIMARY KEY (version, part)
                )"
            ),
            // An entry is read a few times and gone: compressing it costs more than it saves.
            "ALTER TABLE mt_key_pool ALTER COLUMN data SET STORAGE EXTERNAL".to_owned(),
        ]
    }
}
