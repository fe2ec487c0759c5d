//! Compares the roll-ups with the ledger.

use std::collections::BTreeMap;

use super::super::connect::Database;
use super::super::fault::Fault;
use super::super::sql;
use super::super::tenants::{lock_zone, read_zone};
use super::ledger;
use super::rollup::{self, Cell, Change, Column, Kind, RollUp};
use crate::ids::TenantId;
use crate::usage::Difference;

pub(super) async fn audit(db: &Database, tenant: &TenantId, repair: bool) -> Result<Vec<Difference>, Fault> {
    let tx = if repair { db.write().await? } else { db.snapshot().await? };
    let zone = if repair { lock_zone(&tx, tenant).await? } else { read_zone(&tx, tenant).await? };
    let Some(zone) = zone else { return Ok(Vec::new()) };
    let ledger = Change::of(ledger::count(&tx, tenant, zone).await?);
    let mut differences = Vec::new();
    for table in rollup::ALL {
        compare(table, ledger.rows(table)?, table.read(&tx, tenant).await?, &mut differences);
    }
    if repair && !differences.is_empty() {
        rollup::replace(&tx, tenant, &ledger).await?;
    }
    tx.commit().await?;
    Ok(differences)
}

fn compare(table: &RollUp, ledger: Vec<Vec<Cell>>, stored: Vec<Vec<Cell>>, differences: &mut Vec<Difference>) {
    let mut pairs: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for (side, rows) in [ledger, stored].into_iter().enumerate() {
        for row in rows {
            let (keys, figures) = row.split_at(table.keys.len());
            pairs.entry(name(table, keys)).or_default()[side] = Some(told(table.figures, figures));
        }
    }
    let differing = pairs.into_iter().filter(|(_, [ledger, stored])| ledger != stored);
    differences.extend(differing.map(|(row, sides)| {
        let [ledger, rollup] = sides.map(|side| side.unwrap_or_else(|| "no row".to_owned()));
        Difference { row, ledger, rollup }
    }));
}

/// `daily 2026-01-29 u_1 gpt-4 1`
fn name(table: &RollUp, keys: &[Cell]) -> String {
    let parts = table.keys.iter().zip(keys).map(|(column, cell)| shown(column.kind, cell));
    std::iter::once(table.name.to_owned()).chain(parts).collect::<Vec<_>>().join(" ")
}

/// `sessions 1, messages 4`
fn told(columns: &[Column], cells: &[Cell]) -> String {
    let figures =
        columns.iter().zip(cells).map(|(column, cell)| format!("{} {}", column.name, shown(column.kind, cell)));
    figures.collect::<Vec<_>>().join(", ")
}

fn shown(kind: Kind, cell: &Cell) -> String {
    match cell {
        Cell::Text(text) if text.is_empty() => "-".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Number(number) if kind == Kind::Day => {
            sql::day(*number).map_or_else(|_| number.to_string(), |day| day.to_string())
        }
        Cell::Number(number) => number.to_string(),
    }
}
