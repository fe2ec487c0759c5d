//! The bench of the key pool on sound pools, and on pools with faults that its judge must find.

use serde_json::Value;

use crate::cli::{run, text};

/// A short run on a file: 3 processes that share 48 callers.
async fn judged(arguments: &[&str]) -> (Option<i32>, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("sqlite:{}", folder.path().join("pool.db").display());
    let common = ["bench", "key-pool", "--store", &store, "--callers", "48", "--processes", "3", "--seconds", "2"];
    let more = ["--keys", "4", "--slots", "2", "--ttl", "3", "--format", "json"];
    let done = run(&[&common, &more[..], arguments].concat()).await;
    let judgement = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&done.stdout), text(&done.stderr)));
    (done.status.code(), judgement)
}

fn count(judgement: &Value, pointer: &str) -> u64 {
    judgement.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {pointer} in {judgement:#}"))
}

fn is_faultless_but_for(judgement: &Value, found: &[&str]) {
    for figure in
        ["/overshoot/key", "/overshoot/user", "/overshoot/total", "/lost_slots", "/double_grants", "/inversions"]
    {
        if !found.contains(&figure) {
            assert_eq!(count(judgement, figure), 0, "{figure} in {judgement:#}");
        }
    }
}

#[tokio::test]
async fn a_sound_pool_is_sound_though_its_processes_are_killed() {
    let (code, judgement) = judged(&["--kill"]).await;
    is_faultless_but_for(&judgement, &[]);
    assert_eq!((code, &judgement["sound"]), (Some(0), &Value::Bool(true)), "{judgement:#}");
    assert!(count(&judgement, "/kills") >= 1 && count(&judgement, "/grants") > 20, "{judgement:#}");
}

#[tokio::test]
async fn a_limit_that_each_process_counts_for_itself_is_found() {
    let (code, judgement) = judged(&["--plant", "count-in-process"]).await;
    assert_eq!(code, Some(1));
    assert!(count(&judgement, "/overshoot/key") > 0, "{judgement:#}");
    assert!(count(&judgement, "/overshoot/total") > 0, "{judgement:#}");
}

#[tokio::test]
async fn leases_that_are_never_given_back_are_found() {
    let (code, judgement) = judged(&["--plant", "leak"]).await;
    assert_eq!(code, Some(1));
    assert!(count(&judgement, "/lost_slots") > 0, "{judgement:#}");
    is_faultless_but_for(&judgement, &["/lost_slots"]);
}

#[tokio::test]
async fn serving_the_last_first_is_found() {
    let (code, judgement) = judged(&["--plant", "last-first"]).await;
    assert_eq!(code, Some(1));
    assert!(count(&judgement, "/inversions") > 0, "{judgement:#}");
}

#[tokio::test]
async fn a_lease_that_two_hold_is_found() {
    let (code, judgement) = judged(&["--plant", "twice"]).await;
    assert_eq!(code, Some(1));
    assert!(count(&judgement, "/double_grants") > 0, "{judgement:#}");
    is_faultless_but_for(&judgement, &["/double_grants", "/inversions"]);
}

#[tokio::test]
async fn requests_of_a_minute_are_counted() {
    let sound = judged(&["--rpm", "5"]).await;
    assert_eq!((sound.0, count(&sound.1, "/requests_above")), (Some(0), 0), "{:#}", sound.1);
    assert_eq!(count(&sound.1, "/grants"), 20, "4 keys with 5 requests each: {:#}", sound.1);
    let faulty = judged(&["--rpm", "5", "--plant", "count-in-process"]).await;
    assert!(faulty.0 == Some(1) && count(&faulty.1, "/requests_above") > 0, "{:#}", faulty.1);
}

#[tokio::test]
async fn a_pool_in_memory_is_judged_for_people() {
    let arguments = ["--store", "memory:", "--processes", "1", "--callers", "20", "--seconds", "1", "--ttl", "1"];
    for (language, verdict) in [("en", "SOUND"), ("ko", "이상 없음")] {
        let done = run(&[&["bench", "key-pool", "--lang", language], &arguments[..]].concat()).await;
        assert_eq!(done.status.code(), Some(0), "{}{}", text(&done.stdout), text(&done.stderr));
        assert_eq!(text(&done.stdout).lines().last(), Some(verdict), "{}", text(&done.stdout));
    }
}

#[tokio::test]
async fn what_cannot_be_judged_is_refused() {
    for (bad, option) in [
        (&["--store", "mysql://h/d"][..], "--store"),
        (&["--store", "memory:"], "--processes"),
        (&["--store", "memory:", "--processes", "1", "--kill"], "--kill"),
        (&["--store", "redis://h", "--callers", "3"], "--callers"),
        (&["--store", "redis://h", "--rpm", "0"], "--rpm"),
        (&["--store", "redis://h", "--ttl", "0"], "--ttl"),
    ] {
        let done = run(&[&["bench", "key-pool"], bad].concat()).await;
        assert_eq!(done.status.code(), Some(2), "{bad:?}");
        assert!(text(&done.stderr).contains(option), "{bad:?}: {}", text(&done.stderr));
    }
    let away = run(&["bench", "key-pool", "--store", "redis://:hidden@127.0.0.1:1", "--processes", "1"]).await;
    assert_eq!(away.status.code(), Some(3));
    assert!(!text(&away.stderr).contains("hidden"), "{}", text(&away.stderr));
}
