//! Entries as text, one line each.

use chrono::SecondsFormat;
use serde_json::json;

use super::row::AuditEntry;

/// The names of the columns of [`csv_line`].
pub const CSV_HEADER: &str = "at,tenant_id,actor_kind,actor_id,action,target_kind,target_id,outcome,reason,\
    request_id,address,details,id,writer,seq,previous,hash\r\n";

/// An entry as JSON, with its line break.
pub fn json_line(entry: &AuditEntry) -> String {
    let raw = entry.raw();
    let value = json!({
        "at": at(entry),
        "tenant_id": raw.tenant,
        "actor_kind": raw.actor_kind,
        "actor_id": raw.actor_id,
        "action": raw.action,
        "target_kind": raw.target_kind,
        "target_id": raw.target_id,
        "outcome": raw.outcome,
        "reason": raw.reason,
        "request_id": raw.request_id,
        "address": raw.address,
        "details": entry.event.details,
        "id": raw.id,
        "writer": raw.writer,
        "seq": raw.seq,
        "previous": entry.previous.to_string(),
        "hash": entry.hash.to_string(),
    });
    format!("{value}\n")
}

/// An entry as a row of CSV (RFC 4180). A cell that a spreadsheet would take for a formula begins with an apostrophe.
pub fn csv_line(entry: &AuditEntry) -> String {
    let raw = entry.raw();
    let cells = [
        at(entry),
        raw.tenant.unwrap_or_default(),
        raw.actor_kind,
        raw.actor_id.unwrap_or_default(),
        raw.action,
        raw.target_kind.unwrap_or_default(),
        raw.target_id.unwrap_or_default(),
        raw.outcome,
        raw.reason.unwrap_or_default(),
        raw.request_id.unwrap_or_default(),
        raw.address.unwrap_or_default(),
        raw.details,
        raw.id,
        raw.writer,
        raw.seq.to_string(),
        entry.previous.to_string(),
        entry.hash.to_string(),
    ];
    format!("{}\r\n", cells.map(|cell| quoted(&cell)).join(","))
}

fn at(entry: &AuditEntry) -> String {
    entry.event.at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn quoted(cell: &str) -> String {
    // Some programs look behind blanks, and take the wide forms of the signs for the signs.
    let first = cell.trim_start().chars().next();
    let formula = first.is_some_and(|sign| "=+-@|%＝＋－＠".contains(sign)) || cell.starts_with(['\t', '\r', '\n']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Actor, ActorKind, AuditEvent, Chain, action};

    fn entry(name: &str) -> AuditEntry {
        let actor = Actor::new(ActorKind::Operator, name);
        let event = AuditEvent::new(actor, action::USER_CREATE, chrono::DateTime::UNIX_EPOCH).detail("a", name);
        Chain::begin().push(event)
    }

    #[test]
    fn no_cell_is_a_formula_and_every_entry_is_one_line() {
        for name in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "|cmd", "＝1", "\r\n=1", "a\"b,c"] {
            let entry = entry(name);
            let line = csv_line(&entry);
            let shown =
                name.replace('\t', "\\u{9}").replace('\r', "\\u{d}").replace('\n', "\\u{a}").replace('"', "\"\"");
            let guard = if shown.starts_with(['\\', 'a']) { "" } else { "'" };
            assert!(line.contains(&format!(",\"operator\",\"{guard}{shown}\",\"user.create\",")), "{line}");
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(json_line(&entry).matches('\n').count(), 1);
        }
    }

    #[test]
    fn the_header_names_every_cell() {
        let line = csv_line(&entry("kim"));
        assert_eq!(line.matches("\",\"").count(), CSV_HEADER.matches(',').count());
        let value: serde_json::Value = serde_json::from_str(&json_line(&entry("kim"))).unwrap();
        for name in CSV_HEADER.trim().split(',') {
            assert!(value.get(name).is_some(), "{name}");
        }
    }
}
