//! What it costs to find out who shows a session's token or a client's key, when that was asked a moment ago; and how long it
//! takes until a logout is felt by another process on the same database.
//!
//! `cargo bench -p mt-paas-core --features sea-orm --bench accounts`

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mt_paas_core::TenantId;
use mt_paas_core::auth::{
    Access, Accounts, ClientKey, FirstOperator, KeyPurpose, LoggedIn, NewKey, Opened, SessionToken, Visitor,
};
use mt_paas_core::store::sea_orm::SqlStore;

const CHECKS: u32 = 200_000;
const ROUNDS: usize = 9;
const LOGOUTS: usize = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}", directory.path().join("accounts.db").display());
    let (one, other) = (open(&url).await, open(&url).await);
    let opened = first(&one).await;
    let new = NewKey {
        name: "bench".to_owned(),
        purpose: KeyPurpose::Live,
        scopes: ["chat".to_owned()].into(),
        expires_at: None,
    };
    let (key, _) = one.make_key(&logged_in(&opened), &new).await.expect("a key");
    warm(&one, &opened.token, &key).await;
    logouts(&one, &other, &opened).await;
}

async fn open(url: &str) -> Accounts {
    let store = Arc::new(SqlStore::open(url).await.expect("a database"));
    Accounts::builder(store, "bench").scope("chat", Access::User).build().expect("accounts")
}

async fn first(accounts: &Accounts) -> Opened {
    let first = FirstOperator {
        token: accounts.setup_token().await.expect("an answer").expect("nobody is there"),
        login_name: "root".to_owned(),
        email: None,
        name: "Root".to_owned(),
        password: "seven herons at dusk".into(),
        visitor: Visitor::default(),
    };
    accounts.first(&first).await.expect("the first operator")
}

fn logged_in(opened: &Opened) -> LoggedIn {
    LoggedIn { session: opened.session.clone(), principal: opened.principal.clone() }
}

/// Medians over rounds in which the three take turns. One read of the store in each 0.9 s is among them.
async fn warm(accounts: &Accounts, token: &SessionToken, key: &ClientKey) {
    let (text, bearer) = (key.expose().to_owned(), token.expose().to_owned());
    let mut rounds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        rounds[0].push(
            each(async || {
                black_box(token.digest());
            })
            .await,
        );
        rounds[1].push(
            each(async || {
                let token: SessionToken = black_box(&bearer).parse().expect("a token");
                black_box(accounts.session(&token).await.expect("a session"));
            })
            .await,
        );
        rounds[2].push(each(async || drop(black_box(accounts.key(black_box(&text)).await.expect("a key")))).await);
    }
    for (name, mut times) in ["SHA-256 of a token alone", "a session's token", "a client's key"].into_iter().zip(rounds)
    {
        times.sort_by(f64::total_cmp);
        let (least, median, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
        println!("{name:<26} median {median:>7.0} ns   least {least:>7.0}   most {most:>7.0}");
    }
}

/// CPU nanoseconds of one call, on the only thread there is.
async fn each(mut call: impl AsyncFnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..CHECKS {
        call().await;
    }
    began.elapsed().as_nanos() as f64 / f64::from(CHECKS)
}

/// How long a session that was ended here goes on there.
async fn logouts(here: &Accounts, there: &Accounts, first: &Opened) {
    let mut lasted = Vec::new();
    for round in 0..LOGOUTS {
        let opened = login(here, first).await;
        // Another moment of what is remembered there, each time.
        tokio::time::sleep(Duration::from_millis(round as u64 * 47)).await;
        there.session(&opened.token).await.expect("a session");
        here.log_out(&logged_in(&opened)).await.expect("a logout");
        let ended = Instant::now();
        while there.session(&opened.token).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        lasted.push(ended.elapsed());
    }
    lasted.sort();
    println!("a logout is felt elsewhere  median {:?}, at last after {:?}", lasted[LOGOUTS / 2], lasted[LOGOUTS - 1]);
}

async fn login(accounts: &Accounts, first: &Opened) -> Opened {
    let login = mt_paas_core::auth::Login {
        tenant: TenantId::operators(),
        login_name: first.principal.login_name.clone(),
        password: "seven herons at dusk".into(),
        visitor: Visitor::default(),
    };
    accounts.log_in(&login).await.expect("a login")
}
