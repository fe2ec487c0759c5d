//! What people and programs log in with. Digests are SHA-256 of tokens, which are kept nowhere.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration {
    name: "m0007_accounts",
    up,
    down: &[
        "DROP TABLE mt_throttle",
        "DROP TABLE mt_client_keys",
        "DROP TABLE mt_links",
        "DROP TABLE mt_sessions",
        "DROP TABLE mt_credentials",
    ],
};

fn up(dialect: Dialect) -> Vec<String> {
    let (text, bytes, rowless) = (dialect.text(), dialect.bytes(), dialect.rowless());
    let user = "FOREIGN KEY (tenant_id, user_id) REFERENCES mt_users (tenant_id, user_id) ON DELETE CASCADE";
    let mut statements = vec![
        format!(
            "CREATE TABLE mt_credentials (
                tenant_id {text} NOT NULL,
                user_id {text} NOT NULL,
                access {text} NOT NULL,
                password {text},
                must_change BOOLEAN NOT NULL,
                epoch BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, user_id),
                {user}
            ){rowless}"
        ),
        format!(
            "CREATE TABLE mt_sessions (
                digest {bytes} NOT NULL PRIMARY KEY,
                id {bytes} NOT NULL UNIQUE,
                tenant_id {text} NOT NULL,
                user_id {text} NOT NULL,
                epoch BIGINT NOT NULL,
                created_at BIGINT NOT NULL,
                expires_at BIGINT NOT NULL,
                idle_limit BIGINT,
                idle_end BIGINT NOT NULL,
                seen_at BIGINT NOT NULL,
                address {text},
                user_agent {text},
                {user}
            ){rowless}"
        ),
        format!(
            "CREATE TABLE mt_links (
                id {bytes} NOT NULL PRIMARY KEY,
                tenant_id {text} NOT NULL,
                user_id {text} NOT NULL,
                epoch BIGINT NOT NULL,
                purpose {text} NOT NULL,
                created_at BIGINT NOT NULL,
                expires_at BIGINT NOT NULL,
                digest {bytes} UNIQUE,
                failures BIGINT NOT NULL,
                next_try BIGINT,
                {user}
            ){rowless}"
        ),
        format!(
            "CREATE TABLE mt_client_keys (
                id {bytes} NOT NULL PRIMARY KEY,
                digest {bytes} NOT NULL UNIQUE,
                tenant_id {text} NOT NULL,
                user_id {text} NOT NULL,
                name {text} NOT NULL,
                purpose {text} NOT NULL,
                hint {text} NOT NULL,
                scopes {text} NOT NULL,
                created_at BIGINT NOT NULL,
                expires_at BIGINT,
                used_at BIGINT,
                revoked_at BIGINT,
                replaced_by {bytes},
                {user}
            ){rowless}"
        ),
        // What was tried, until it is paid for.
        format!("CREATE TABLE mt_throttle (subject {text} NOT NULL PRIMARY KEY, paid_until BIGINT NOT NULL){rowless}"),
    ];
    let indexes = [
        "CREATE INDEX mt_sessions_user ON mt_sessions (tenant_id, user_id)",
        "CREATE INDEX mt_sessions_end ON mt_sessions (idle_end)",
        "CREATE INDEX mt_links_user ON mt_links (tenant_id, user_id)",
        "CREATE INDEX mt_links_due ON mt_links (next_try)",
        "CREATE INDEX mt_client_keys_user ON mt_client_keys (tenant_id, user_id, id)",
        "CREATE INDEX mt_client_keys_tenant ON mt_client_keys (tenant_id, id)",
        "CREATE INDEX mt_throttle_end ON mt_throttle (paid_until)",
    ];
    statements.extend(indexes.map(ToOwned::to_owned));
    statements
}
