//! Tenants and their users.

use super::{Dialect, Migration};

pub(super) const MIGRATION: Migration = Migration {
    name: "m0001_tenants",
    up,
    down: &["DROP TABLE mt_user_counts", "DROP TABLE mt_users", "DROP TABLE mt_tenants"],
};

fn up(dialect: Dialect) -> Vec<String> {
    let (text, rowless) = (dialect.text(), dialect.rowless());
    let mut statements = vec![
        format!(
            "CREATE TABLE mt_tenants (
                tenant_id {text} NOT NULL PRIMARY KEY,
                revision BIGINT NOT NULL,
                status {text} NOT NULL,
                plan {text} NOT NULL,
                zone {text} NOT NULL,
                activation {text} NOT NULL,
                allowed_features {text} NOT NULL,
                features {text} NOT NULL,
                limits {text} NOT NULL,
                branding {text} NOT NULL,
                term {text} NOT NULL,
                callback_url {text},
                hook {text},
                data_preserved BOOLEAN NOT NULL,
                data_retention_until BIGINT,
                created_at BIGINT NOT NULL,
                updated_at BIGINT NOT NULL
            ){rowless}"
        ),
        format!(
            "CREATE TABLE mt_users (
                tenant_id {text} NOT NULL REFERENCES mt_tenants (tenant_id),
                user_id {text} NOT NULL,
                login_name {text} NOT NULL,
                email {text},
                email_key {text},
                name {text} NOT NULL,
                role {text} NOT NULL,
                status {text} NOT NULL,
                search_key {text} NOT NULL,
                created_at BIGINT NOT NULL,
                updated_at BIGINT NOT NULL,
                last_login BIGINT,
                PRIMARY KEY (tenant_id, user_id)
            ){rowless}"
        ),
        // How many users there are of each role and status, so that a list need not count them.
        format!(
            "CREATE TABLE mt_user_counts (
                tenant_id {text} NOT NULL,
                role {text} NOT NULL,
                status {text} NOT NULL,
                users BIGINT NOT NULL,
                PRIMARY KEY (tenant_id, role, status)
            ){rowless}"
        ),
    ];
    let indexes = [
        "CREATE UNIQUE INDEX mt_users_email ON mt_users (tenant_id, email_key)",
        "CREATE UNIQUE INDEX mt_users_login ON mt_users (tenant_id, login_name)",
        "CREATE INDEX mt_users_order ON mt_users (tenant_id, created_at, user_id)",
        "CREATE INDEX mt_users_role ON mt_users (tenant_id, role, created_at, user_id)",
        "CREATE INDEX mt_users_status ON mt_users (tenant_id, status, created_at, user_id)",
        "CREATE INDEX mt_users_role_status ON mt_users (tenant_id, role, status, created_at, user_id)",
    ];
    statements.extend(indexes.map(ToOwned::to_owned));
    statements
}
