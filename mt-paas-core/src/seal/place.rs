//! Where a sealed value stands.

use crate::ids::TenantId;

/// The one place where a value opens. It is authenticated with the value, so that nobody can move one into another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealPlace<'a> {
    /// Whose row it is; `None`: nobody's.
    pub tenant: Option<&'a TenantId>,
    /// The table, or what is one.
    pub table: &'a str,
    /// The row's key. It stays the same for as long as the row is there.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

/// A [`SealPlace`] of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPlace {
    /// Whose row it is; `None`: nobody's.
    pub tenant: Option<TenantId>,
    /// The table.
    pub table: String,
    /// The row's key.
    pub row: String,
    /// The column.
    pub column: String,
}

impl RowPlace {
    /// The place, for a keyring.
    pub fn place(&self) -> SealPlace<'_> {
        SealPlace { tenant: self.tenant.as_ref(), table: &self.table, row: &self.row, column: &self.column }
    }
}

impl SealPlace<'_> {
    /// Appends the place's parts, each after its length, so that no two places give the same bytes.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        // No tenant is called "".
        let tenant = self.tenant.map_or("", TenantId::as_str);
        for part in [tenant, self.table, self.row, self.column] {
            to.extend((part.len() as u64).to_be_bytes());
            to.extend(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_from_one_part_to_the_next_is_another_place() {
        let bytes = |table, row, column| {
            let mut bytes = Vec::new();
            SealPlace { tenant: None, table, row, column }.write(&mut bytes);
            bytes
        };
        assert_ne!(bytes("ab", "c", "d"), bytes("a", "bc", "d"));
        assert_ne!(bytes("a", "bc", "d"), bytes("a", "b", "cd"));
        let tenant: TenantId = "t".parse().unwrap();
        let mut tenants = Vec::new();
        SealPlace { tenant: Some(&tenant), table: "a", row: "b", column: "c" }.write(&mut tenants);
        assert_ne!(tenants, bytes("a", "b", "c"));
    }
}
