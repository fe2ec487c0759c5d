//! The audit trail: what its verification sees, and what each of its rules is for.

mod handler;
mod tampers;
mod world;

use mt_paas_core::audit::{AuditFault, AuditHead, FaultKind, RawAuditRow, Rule, Verified, Verifier};

use tampers::Tamper;
use world::{Dice, World};

/// Looks at rows as a store does.
fn verify(rows: &[RawAuditRow], heads: &[AuditHead], blind: Option<Rule>) -> (Vec<AuditFault>, Verified) {
    let mut faults = Vec::new();
    let mut found = |fault| faults.push(fault);
    let mut verifier = Verifier::new(heads, &mut found);
    if let Some(rule) = blind {
        verifier = verifier.blind_to(rule);
    }
    let mut rows: Vec<&RawAuditRow> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.writer, a.seq).cmp(&(&b.writer, b.seq)));
    rows.iter().filter(|row| row.action == "audit.anchor").for_each(|row| verifier.anchor(row));
    rows.iter().for_each(|row| verifier.row(row));
    let verified = verifier.finish();
    (faults, verified)
}

#[test]
fn what_was_written_has_no_fault() {
    let mut dice = Dice::new(1);
    for _ in 0..20 {
        let world = World::new(&mut dice);
        let (faults, verified) = verify(&world.rows, &world.heads, None);
        assert_eq!(faults, []);
        assert_eq!((verified.rows, verified.chains), (world.rows.len() as u64, 4));
        // What was kept early, or not at all, says less, and nothing wrong.
        let early: Vec<AuditHead> = world.heads.iter().filter(|head| head.seq == 0).copied().collect();
        assert_eq!(verify(&world.rows, &early, None).0, []);
        assert_eq!(verify(&world.rows, &[], None).0, []);
    }
}

#[test]
fn every_one_of_ten_thousand_tampers_is_found() {
    let mut dice = Dice::new(2);
    let world = World::new(&mut dice);
    let mut tried = [0; Tamper::ALL.len()];
    while tried.iter().sum::<usize>() < 10_000 {
        let kind = dice.below(Tamper::ALL.len());
        let Some((rows, what)) = Tamper::ALL[kind].on(&world, &mut dice) else { continue };
        assert_ne!(rows, world.rows, "{what}");
        let (faults, _) = verify(&rows, &world.heads, None);
        assert!(!faults.is_empty(), "not found: {what}");
        tried[kind] += 1;
    }
    assert!(tried.iter().all(|tried| *tried > 300), "{tried:?}");
}

#[test]
fn each_rule_sees_what_no_other_does() {
    let world = World::calm(&mut Dice::new(3));
    let ended = 0;
    let begun: Vec<AuditHead> = world.heads.iter().filter(|head| head.seq == 0).copied().collect();
    // A row whose hash nobody has kept.
    let (middle, last) = (world.unkept(ended), world.length(ended));
    let edited = world.changed(ended, middle, |row| row.outcome = "refused".to_owned());
    let replaced = world.changed(ended, middle, |row| {
        row.outcome = "refused".to_owned();
        row.hash = row.computed().0.to_vec();
    });
    let anchored = world.anchored();
    let cases = [
        (Rule::Hash, edited, &world.heads, FaultKind::Edited, middle),
        (Rule::Sequence, world.without(ended, middle..=middle), &world.heads, FaultKind::Deleted, middle),
        (Rule::Link, replaced, &world.heads, FaultKind::Rechained, middle + 1),
        (Rule::Heads, world.rechained(ended, middle), &world.heads, FaultKind::Rechained, last),
        (Rule::Length, world.without(ended, last..=last), &world.heads, FaultKind::TailCut, last),
        (Rule::End, world.continued(ended), &world.heads, FaultKind::Inserted, last + 1),
        (Rule::Writers, world.with_stranger(), &world.heads, FaultKind::UnknownWriter, 1),
        (Rule::Anchors, world.without(anchored, 1..=i64::MAX), &begun, FaultKind::TailCut, 1),
    ];
    for (rule, rows, heads, kind, seq) in cases {
        let (faults, _) = verify(&rows, heads, None);
        let [fault] = faults.as_slice() else { panic!("{rule:?}: {faults:?}") };
        assert_eq!((fault.kind, fault.seq), (kind, seq), "{rule:?}: {fault}");
        assert_eq!(verify(&rows, heads, Some(rule)).0, [], "{rule:?} is not what finds it");
    }
}

#[test]
fn faults_are_told_by_kind_and_place() {
    let world = World::calm(&mut Dice::new(4));
    let ended = 0;
    let told = |rows: &[RawAuditRow]| -> Vec<(FaultKind, i64, i64)> {
        let (faults, _) = verify(rows, &world.heads, None);
        assert!(faults.iter().all(|fault| *fault.writer == *world.writers[ended]));
        faults.iter().map(|fault| (fault.kind, fault.seq, fault.through)).collect()
    };
    let at = world.unkept(ended);
    assert_eq!(told(&world.without(ended, 1..=2)), [(FaultKind::Deleted, 1, 2)]);
    assert_eq!(told(&world.changed(ended, at, |row| row.hash[0] ^= 1)), [(FaultKind::Edited, at, at)]);
    assert_eq!(told(&world.changed(ended, at, |row| row.previous[0] ^= 1)), [(FaultKind::Edited, at, at)]);
    let swapped = told(&world.swapped(ended, at, at + 1));
    assert_eq!(swapped[..2], [(FaultKind::Reordered, at, at), (FaultKind::Reordered, at + 1, at + 1)]);
    let last = world.length(ended);
    assert_eq!(told(&world.without(ended, last - 3..=last)), [(FaultKind::TailCut, last - 3, last)]);
    assert_eq!(told(&world.without(ended, 1..=last)), [(FaultKind::TailCut, 1, last)]);
    assert_eq!(told(&world.changed(ended, 1, |row| row.seq = 0))[0], (FaultKind::Inserted, 0, 0));
}

#[test]
fn what_is_hashed_has_one_reading_only() {
    let row = World::new(&mut Dice::new(5)).rows[0].clone();
    let row = RawAuditRow { reason: None, request_id: None, ..row };
    let moved = RawAuditRow { reason: row.actor_id.clone(), actor_id: None, ..row.clone() };
    let empty = RawAuditRow { reason: Some(String::new()), ..row.clone() };
    let joined =
        RawAuditRow { action: format!("{}{}", row.action, row.outcome), outcome: String::new(), ..row.clone() };
    let mut hashes = [&row, &moved, &empty, &joined].map(RawAuditRow::computed);
    hashes.sort();
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
    // Rows of today must be verified by later versions. Never change this number; add another encoding.
    let fixed = RawAuditRow {
        writer: "0190b1c2-0000-7000-8000-000000000001".to_owned(),
        seq: 7,
        id: "0190b1c2-0000-7000-8000-000000000002".to_owned(),
        at: 1_769_601_600_000_000,
        tenant: Some("hallym_univ".to_owned()),
        actor_kind: "market_key".to_owned(),
        actor_id: Some("key-ab12cd34".to_owned()),
        action: "user.create".to_owned(),
        target_kind: Some("user".to_owned()),
        target_id: Some("u_1".to_owned()),
        outcome: "done".to_owned(),
        reason: None,
        request_id: Some("r-1".to_owned()),
        address: Some("127.0.0.1".to_owned()),
        details: r#"{"role":"user"}"#.to_owned(),
        previous: vec![0; 32],
        hash: Vec::new(),
    };
    assert_eq!(fixed.computed().to_string(), "f32e28eff4871e00a92addfa0b60ca6a494f7caa0eb250f559a34594efbff642");
}
