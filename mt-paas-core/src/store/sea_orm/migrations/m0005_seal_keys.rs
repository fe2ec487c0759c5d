//! The keys that secrets are sealed under, by name.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration { name: "m0005_seal_keys", up, down: &["DROP TABLE mt_seal_keys"] };

fn up(dialect: Dialect) -> Vec<String> {
    let text = dialect.text();
    vec![format!(
        "CREATE TABLE mt_seal_keys (
            key_id {text} NOT NULL PRIMARY KEY,
            check_value {text} NOT NULL,
            since BIGINT NOT NULL
        )"
    )]
}
