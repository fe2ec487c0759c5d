//! How the members of bodies are read that several routes have.

use mt_paas_core::fields::{Fields, text};
use mt_paas_core::{Secret, TenantId};
use serde_json::Value;

/// Characters of names; a login name that nobody can have is simply nobody's.
pub(super) const NAME: usize = 200;

/// A password or a token, whatever it holds.
pub(super) fn secret(value: &Value) -> Result<Secret<String>, String> {
    value.as_str().map(Secret::from).ok_or_else(|| "must be a text".to_owned())
}

/// A tenant, or those who run the service.
pub(super) fn console(value: &Value) -> Result<TenantId, String> {
    let id = text(1, 64)(value)?;
    TenantId::of_console(&id).map_err(|error| error.to_string())
}

/// A member that may be missing or `null`. The outer `None` is a fault.
pub(super) fn nullable<T>(
    fields: &mut Fields<'_>,
    name: &str,
    read: impl FnOnce(&Value) -> Result<T, String>,
) -> Option<Option<T>> {
    if fields.value(name).is_some_and(Value::is_null) { Some(None) } else { fields.optional(name, read) }
}
