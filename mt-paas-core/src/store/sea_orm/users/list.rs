//! Lists of users.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Value};

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::{COLUMNS, UserRow};
use crate::ids::TenantId;
use crate::standard_api::{Role, UserStatus};
use crate::users::{UserList, UserSearch};

/// A page of the users that match, and how many match.
pub(super) async fn page(db: &Database, tenant: &TenantId, search: &UserSearch) -> Result<UserList, Fault> {
    let tx = db.snapshot().await?;
    let filter = Filter::new(db.backend(), tenant, search);
    let total = match &search.folded {
        None => count(&tx, tenant, search.role, search.status).await?,
        Some(_) => {
            let sql = format!("SELECT COUNT(*) FROM mt_users WHERE {}", filter.condition);
            let row = sql::row(&tx, &sql, filter.values.clone()).await?;
            sql::count(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)?
        }
    };
    let (sql, values) = filter.page(search);
    let rows = sql::rows(&tx, &sql, values).await?;
    tx.commit().await?;
    let users = rows.iter().map(|row| UserRow::from_query_result(row, "")?.user()).collect::<Result<_, Fault>>()?;
    Ok(UserList { total, users })
}

/// How many users there are, of a role and status.
pub(in super::super) async fn count(
    on: &impl ConnectionTrait,
    tenant: &TenantId,
    role: Option<Role>,
    status: Option<UserStatus>,
) -> Result<u64, Fault> {
    let rows =
        sql::rows(on, "SELECT role, status, users FROM mt_user_counts WHERE tenant_id = $1", [tenant.as_str().into()])
            .await?;
    let mut total = 0;
    for row in rows {
        let (row_role, row_status): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if role.is_none_or(|role| row_role == role.as_str())
            && status.is_none_or(|status| row_status == status.as_str())
        {
            total += sql::count(row.try_get_by_index(2)?)?;
        }
    }
    Ok(total)
}

struct Filter {
    condition: String,
    values: Vec<Value>,
}

impl Filter {
    fn new(backend: DbBackend, tenant: &TenantId, search: &UserSearch) -> Self {
        let mut filter = Self { condition: "tenant_id = $1".to_owned(), values: vec![tenant.as_str().into()] };
        if let Some(role) = search.role {
            filter.and("role = $", role.as_str(), "");
        }
        if let Some(status) = search.status {
            filter.and("status = $", status.as_str(), "");
        }
        if let Some(text) = &search.folded {
            // Not LIKE: every character of the text stands for itself.
            let place = if backend == DbBackend::Sqlite { "instr" } else { "strpos" };
            filter.and(&format!("{place}(search_key, $"), text, ") > 0");
        }
        filter
    }

    fn and(&mut self, before: &str, value: &str, after: &str) {
        self.values.push(value.into());
        self.condition.push_str(&format!(" AND {before}{}{after}", self.values.len()));
    }

    /// Skips over the rows of earlier pages in an index that holds all that is needed for that, and reads the rows of
    /// this page only. A cross join, because SQLite keeps its order: it would rather read all users in their order and
    /// look each one up in the page.
    fn page(self, search: &UserSearch) -> (String, Vec<Value>) {
        let Self { condition, mut values } = self;
        values.push(i64::from(search.page.limit).into());
        values.push(i64::try_from(search.page.offset).unwrap_or(i64::MAX).into());
        let (limit, offset) = (values.len() - 1, values.len());
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT user_id FROM mt_users WHERE {condition} \
                ORDER BY created_at, user_id LIMIT ${limit} OFFSET ${offset}) p \
             CROSS JOIN mt_users u \
             LEFT JOIN mt_usage_users s ON s.tenant_id = u.tenant_id AND s.user_id = u.user_id \
             WHERE u.tenant_id = $1 AND u.user_id = p.user_id \
             ORDER BY u.created_at, u.user_id"
        );
        (sql, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sea_orm::SqlStore;

    async fn plan(search: UserSearch) -> String {
        let store = SqlStore::open("sqlite::memory:").await.unwrap();
        let (sql, values) = Filter::new(DbBackend::Sqlite, &"t".parse().unwrap(), &search).page(&search);
        let rows = sql::rows(store.reader(), &format!("EXPLAIN QUERY PLAN {sql}"), values).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect();
        steps.join("\n")
    }

    #[tokio::test]
    async fn pages_are_skipped_in_a_covering_index_whatever_the_filter() {
        let (role, status) = (Some(Role::Admin), Some(UserStatus::Active));
        for (search, index) in [
            (UserSearch::default(), "mt_users_order (tenant_id=?)"),
            (UserSearch { role, ..UserSearch::default() }, "mt_users_role (tenant_id=? AND role=?)"),
            (UserSearch { status, ..UserSearch::default() }, "mt_users_status (tenant_id=? AND status=?)"),
            (
                UserSearch { role, status, ..UserSearch::default() },
                "mt_users_role_status (tenant_id=? AND role=? AND status=?)",
            ),
        ] {
            let plan = plan(search).await;
            assert!(plan.contains(&format!("SEARCH mt_users USING COVERING INDEX {index}")), "{plan}");
            assert!(plan.contains("SEARCH u USING PRIMARY KEY (tenant_id=? AND user_id=?)"), "{plan}");
            let (outer, inner) = (plan.find("SCAN p"), plan.find("SEARCH u"));
            assert!(outer.is_some() && outer < inner, "{plan}");
            // The one sort is of the rows of the page.
            assert!(plan.matches("TEMP B-TREE").count() <= 1, "{plan}");
        }
    }
}
