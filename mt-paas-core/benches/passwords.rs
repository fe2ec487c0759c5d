//! How long passwords take to hash and check, whether unknown users can be told by the time, and what keys of clients
//! cost; millions of keys, among which two alike would be a fault.
//!
//! `cargo bench -p mt-paas-core --bench passwords [-- <keys, 10000000>]`

use std::hint::black_box;
use std::time::{Duration, Instant};

use mt_paas_core::Secret;
use mt_paas_core::auth::{
    ClientKey, HashAlgorithm, HasherOptions, KeyPurpose, PasswordContext, PasswordHash, PasswordHasher, PasswordPolicy,
    SessionToken, Verified,
};

const ROUNDS: usize = 40;

#[tokio::main]
async fn main() {
    let keys = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000_000);
    for (name, algorithm) in [
        ("PBKDF2-HMAC-SHA256, 600,000", HashAlgorithm::PBKDF2),
        ("Argon2id, 19 MiB, 2 passes", HashAlgorithm::ARGON2ID),
    ] {
        passwords(name, algorithm).await;
    }
    logins_at_once().await;
    policy();
    client_keys(keys);
}

/// Hashes and checks, one after the other: known and unknown users take turns, so that both meet the same machine.
async fn passwords(name: &str, algorithm: HashAlgorithm) {
    let hasher = PasswordHasher::new(HasherOptions { algorithm, ..HasherOptions::default() });
    let (right, wrong) = (Secret::from("correct horse battery staple"), Secret::from("correct horse battery stapler"));
    let stored = hasher.hash(&right).await.expect("a hash");
    let old = PasswordHash::parse(concat!(
        "pbkdf2_sha256$100000$AAECAwQFBgcICQoLDA0ODw$",
        "OzdJmKX5pInZYlS8eNwsatIoVhUfRz7MCFuFG1e8Wks"
    ))
    .expect("a hash");
    let bcrypt = PasswordHash::parse("$2b$12$ptAZNfr5y57NXe.UNsrxgeMWhUclSwo6c7cAOviYPo7sN7Y6HXxKa").expect("a hash");
    let cases: [(&str, &Secret<String>, Option<&PasswordHash>); 5] = [
        ("right", &right, Some(&stored)),
        ("wrong", &wrong, Some(&stored)),
        ("unknown user", &wrong, None),
        ("wrong, stored with 100,000", &wrong, Some(&old)),
        ("wrong, stored with bcrypt 12", &wrong, Some(&bcrypt)),
    ];
    let mut times = [const { Vec::new() }; 5];
    let mut hashes = Vec::new();
    for _ in 0..ROUNDS {
        for ((_, password, stored), times) in cases.iter().zip(&mut times) {
            let began = Instant::now();
            black_box(hasher.verify(password, *stored).await.expect("an answer"));
            times.push(began.elapsed());
        }
        let began = Instant::now();
        black_box(hasher.hash(&right).await.expect("a hash"));
        hashes.push(began.elapsed());
    }
    println!("{name}");
    println!("  {:<30} {}", "new hash", spread(hashes));
    for ((case, ..), times) in cases.iter().zip(times) {
        println!("  {case:<30} {}", spread(times));
    }
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    format!("median {:>6.1} ms   10 % {:>6.1}   90 % {:>6.1}", at(50), at(10), at(90))
}

/// Two hundred people at once, and how late a timer comes meanwhile: what everybody else in the process would feel.
async fn logins_at_once() {
    let hasher = PasswordHasher::default();
    let password = Secret::from("correct horse battery staple");
    let stored = hasher.hash(&password).await.expect("a hash");
    let before = resident();
    let began = Instant::now();
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (hasher, password, stored) = (hasher.clone(), password.clone(), stored.clone());
        logins.spawn(async move { hasher.verify(&password, Some(&stored)).await.expect("an answer") });
    }
    let mut late = Vec::new();
    let mut most = before;
    let mut right = 0;
    while !logins.is_empty() {
        let asked = Instant::now();
        tokio::time::sleep(Duration::from_millis(5)).await;
        late.push(asked.elapsed().saturating_sub(Duration::from_millis(5)));
        most = most.max(resident());
        while let Some(answer) = logins.try_join_next() {
            right += usize::from(matches!(answer, Ok(Verified::Right { rehash: None })));
        }
    }
    late.sort();
    println!(
        "200 logins at once: {:.1} s, {right} right; a timer is late by {:.1} ms (99 %), memory grows by {} KiB",
        began.elapsed().as_secs_f64(),
        late[(late.len() - 1) * 99 / 100].as_secs_f64() * 1e3,
        most.saturating_sub(before),
    );
}

/// KiB that the process holds, on Linux.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}

fn policy() {
    let context = PasswordContext { login: Some("alice"), email: Some("a.kim@hallym.ac.kr"), ..Default::default() };
    let passwords = ["correct horse battery staple", "tkfkdgody1234", "alice12345", "비밀번호는 달과 여섯 번째 강"];
    let passwords = passwords.map(Secret::from);
    let each = each(20_000, |turn| {
        black_box(PasswordPolicy::USERS.check(&passwords[turn % passwords.len()], &context)).is_ok()
    });
    println!("policy: {:.1} us a password", each * 1e6);
}

fn client_keys(count: usize) {
    let key = ClientKey::generate(KeyPurpose::Live);
    let mistyped = format!("{}~", &key.expose()[..46]);
    let swapped: String = {
        let mut bytes = key.expose().as_bytes().to_vec();
        bytes[20..].rotate_left(1);
        String::from_utf8(bytes).expect("ASCII")
    };
    let parse = |text: &str| each(1_000_000, |_| black_box(text).parse::<ClientKey>().is_ok()) * 1e9;
    println!(
        "key: read {:.0} ns, refused for a character {:.0} ns, for its checksum {:.0} ns (wanted 5000)",
        parse(key.expose()),
        parse(&mistyped),
        parse(&swapped),
    );
    println!("key: digest {:.0} ns", each(1_000_000, |_| black_box(&key).digest().as_bytes()[0] == 0) * 1e9);
    let token = SessionToken::generate();
    let check =
        |_| black_box(token.expose()).parse::<SessionToken>().is_ok_and(|token| token.digest().as_bytes()[0] == 0);
    println!("session token: read and digest {:.0} ns", each(1_000_000, check) * 1e9);

    let began = Instant::now();
    let mut halves: Vec<u128> = (0..count)
        .map(|number| {
            let key = ClientKey::generate(KeyPurpose::ALL[number % 4]);
            let mut typed = key.expose().as_bytes().to_vec();
            // A wrong character in one half of the keys, a swap in the other; every place has its turn.
            let at = typed.len() - 1 - number / 4 % 37;
            if number % 8 < 4 {
                typed[at] = if typed[at] == b'x' { b'y' } else { b'x' };
            } else {
                typed.swap(at - 1, at);
            }
            let typed = String::from_utf8(typed).expect("ASCII");
            assert!(typed == key.expose() || typed.parse::<ClientKey>().is_err(), "{typed} for {}", key.expose());
            let digest = key.digest();
            let (half, _) = digest.as_bytes().split_at(16);
            u128::from_le_bytes(half.try_into().expect("16 bytes"))
        })
        .collect();
    let took = began.elapsed();
    halves.sort_unstable();
    let alike = halves.windows(2).filter(|pair| pair[0] == pair[1]).count();
    println!("{count} keys made and mistyped in {:.1} s: {alike} alike, 0 typing errors taken", took.as_secs_f64());
}

/// Seconds of one turn.
fn each(turns: usize, mut turn: impl FnMut(usize) -> bool) -> f64 {
    let began = Instant::now();
    for number in 0..turns {
        black_box(turn(number));
    }
    began.elapsed().as_secs_f64() / turns as f64
}
