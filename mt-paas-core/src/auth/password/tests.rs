//! Every stored form, read, checked and replaced.
//!
//! The hashes were made with Python 3.11: `hashlib.pbkdf2_hmac`, argon2-cffi 25.1 and bcrypt 5.0, with the salt 00 to 0f
//! except for bcrypt's own.

use super::*;
use crate::secret::Secret;

const PASSWORD: &str = "correct horse 말 배터리";

const PBKDF2_1K: &str = "pbkdf2_sha256$1000$AAECAwQFBgcICQoLDA0ODw$wfDZ0N-DIAWbYiX9NM6M7keZdypIGeu1V3Tg3QXMzzI";
const PBKDF2_600K: &str = "pbkdf2_sha256$600000$AAECAwQFBgcICQoLDA0ODw$6P9d8JBUSxVwdRoaDl077KI8N7fSH5Rkq7GIO9cWIaU";
const ARGON2ID: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Icj/H7p6C8WRV0vt+Z3Rg9ry+JeXnUNf3o1ERB7aFds";
const BCRYPT: &str = "$2b$12$ptAZNfr5y57NXe.UNsrxgeMWhUclSwo6c7cAOviYPo7sN7Y6HXxKa";

/// Forms that a hasher with the defaults replaces.
const OLD: [&str; 9] = [
    PBKDF2_1K,
    "pbkdf2_sha256$100000$AAECAwQFBgcICQoLDA0ODw$OzdJmKX5pInZYlS8eNwsatIoVhUfRz7MCFuFG1e8Wks",
    "pbkdf2_sha256$200000$AAECAwQFBgcICQoLDA0ODw$XIzNkV5fR5Dn8kzvTmhuRFo85tNrF6rLNNlfbUzbo0A",
    ARGON2ID,
    "$argon2id$v=19$m=8192,t=1,p=2$AAECAwQFBgcICQoLDA0ODw$JqvLvG4N5QxaxbgKS3Okdw",
    "$2a$04$vOqrlUJLuMDc2r3W/KqbWu6mpvKd6XHwP5Ld.dtHjVT./.0hRYl8q",
    "$2b$04$vOqrlUJLuMDc2r3W/KqbWu6mpvKd6XHwP5Ld.dtHjVT./.0hRYl8q",
    "$2y$04$vOqrlUJLuMDc2r3W/KqbWu6mpvKd6XHwP5Ld.dtHjVT./.0hRYl8q",
    BCRYPT,
];

fn hasher(algorithm: HashAlgorithm) -> PasswordHasher {
    PasswordHasher::new(HasherOptions { algorithm, ..HasherOptions::default() })
}

async fn verify(hasher: &PasswordHasher, password: &str, stored: &PasswordHash) -> Verified {
    hasher.verify(&Secret::from(password), Some(stored)).await.unwrap()
}

/// The hash to store after a login that must succeed.
async fn login(hasher: &PasswordHasher, password: &str, stored: &PasswordHash) -> Option<PasswordHash> {
    match verify(hasher, password, stored).await {
        Verified::Right { rehash } => rehash,
        Verified::Wrong => panic!("{stored:?} refuses its password"),
    }
}

async fn refuses(hasher: &PasswordHasher, password: &str, stored: &PasswordHash) -> bool {
    matches!(verify(hasher, password, stored).await, Verified::Wrong)
}

#[tokio::test]
async fn every_old_form_lets_its_user_in_and_is_replaced() {
    let hasher = hasher(HashAlgorithm::PBKDF2);
    for stored in OLD {
        let old = PasswordHash::parse(stored).unwrap();
        assert_eq!(old.to_stored(), stored);
        assert!(refuses(&hasher, "correct horse 말 배터린", &old).await, "{stored}");
        let new = login(&hasher, PASSWORD, &old).await.unwrap();
        assert!(new.to_stored().starts_with("pbkdf2_sha256$600000$"));
    }
}

#[tokio::test]
async fn what_replaces_a_hash_stays() {
    let hasher = hasher(HashAlgorithm::PBKDF2);
    let new = login(&hasher, PASSWORD, &PasswordHash::parse(PBKDF2_1K).unwrap()).await.unwrap();
    for current in [new.to_stored().as_str(), PBKDF2_600K] {
        let current = PasswordHash::parse(current).unwrap();
        assert!(login(&hasher, PASSWORD, &current).await.is_none());
        assert!(refuses(&hasher, "correct horse", &current).await);
    }
}

#[tokio::test]
async fn argon2id_by_option_replaces_what_is_weaker() {
    let hasher = hasher(HashAlgorithm::ARGON2ID);
    let current = PasswordHash::parse(ARGON2ID).unwrap();
    assert!(login(&hasher, PASSWORD, &current).await.is_none());
    for stored in [PBKDF2_600K, OLD[4], BCRYPT] {
        let new = login(&hasher, PASSWORD, &PasswordHash::parse(stored).unwrap()).await.unwrap();
        assert!(new.to_stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(login(&hasher, PASSWORD, &PasswordHash::parse(&new.to_stored()).unwrap()).await.is_none());
    }
}

#[tokio::test]
async fn a_hash_stored_in_parts_is_read() {
    let hash = "3b374998a5f9a489d96254bc78dc2c6ad22856151f473ecc085b851b57bc5a4b";
    let stored = PasswordHash::from_hex(hash, "000102030405060708090a0b0c0d0e0f", 100_000).unwrap();
    assert_eq!(stored.to_stored(), OLD[1]);
    assert!(login(&hasher(HashAlgorithm::FOR_TESTS), PASSWORD, &stored).await.is_none(), "stronger than asked for");
    let refused = |hash, salt, iterations| PasswordHash::from_hex(hash, salt, iterations).unwrap_err();
    assert_eq!(refused(hash, "xx", 100_000), InvalidPasswordHash::Encoding);
    assert_eq!(refused(hash, "00", 100_000), InvalidPasswordHash::Length);
    assert_eq!(refused(&hash[2..], "000102030405060708090a0b0c0d0e0f", 100_000), InvalidPasswordHash::Length);
    assert_eq!(refused(hash, "000102030405060708090a0b0c0d0e0f", 999), InvalidPasswordHash::Work);
}

/// Which of the texts that a thief of the database has log in.
async fn passes(let_in: impl AsyncFn(&str, &PasswordHash) -> bool) -> Vec<String> {
    let mut passed = Vec::new();
    for stored in [PBKDF2_1K, OLD[4], OLD[6]] {
        let hash = PasswordHash::parse(stored).unwrap();
        let parts = stored.rsplit('$').map(str::to_owned);
        let bytes = [hash.digest.to_vec(), hash.salt.to_vec()].map(|part| String::from_utf8_lossy(&part).into_owned());
        for shown in parts.chain(bytes).chain([stored.to_owned(), hex::encode(&hash.digest), String::new()]) {
            if let_in(&shown, &hash).await {
                passed.push(shown);
            }
        }
    }
    passed
}

#[tokio::test]
async fn nothing_of_a_stored_hash_is_a_password() {
    let hasher = hasher(HashAlgorithm::FOR_TESTS);
    assert_eq!(passes(async |shown, hash| !refuses(&hasher, shown, hash).await).await, [""; 0]);
    // The control: a check that takes the stored text too is found out for every form.
    assert_eq!(passes(async |shown, hash| shown == hash.to_stored()).await, [PBKDF2_1K, OLD[4], OLD[6]]);
}

#[tokio::test]
async fn bcrypt_saw_72_bytes_and_what_replaces_it_sees_all() {
    // 70 letters and two syllables of three bytes: bcrypt's end lies inside the first of them.
    let whole = format!("{}말끝", "p".repeat(70));
    let old = PasswordHash::parse("$2b$04$vOqrlUJLuMDc2r3W/KqbWuj3ezEJgvRGK0E1LoIgcxclo0YQdAgoK").unwrap();
    let hasher = hasher(HashAlgorithm::FOR_TESTS);
    assert!(refuses(&hasher, &"p".repeat(70), &old).await);
    let new = login(&hasher, &whole, &old).await.unwrap();
    assert!(login(&hasher, &whole, &new).await.is_none());
    for cut in [70, 73] {
        assert!(refuses(&hasher, &whole[..cut], &new).await, "{cut}");
    }
    assert!(refuses(&hasher, &format!("{whole}!"), &new).await);
}

#[tokio::test]
async fn new_hashes_are_never_cut_and_never_alike() {
    let hasher = hasher(HashAlgorithm::FOR_TESTS);
    let long = "말".repeat(340);
    let [one, other] =
        [hasher.hash(&Secret::from(long.as_str())).await, hasher.hash(&Secret::from(long.as_str())).await];
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.to_stored(), other.to_stored());
    assert!(refuses(&hasher, &"말".repeat(339), &one).await);
    assert!(login(&hasher, &long, &one).await.is_none());
}

#[tokio::test]
async fn the_same_word_is_the_same_password_however_it_is_typed() {
    let hasher = hasher(HashAlgorithm::FOR_TESTS);
    let (letters, syllables) = ("\u{1112}\u{1161}\u{11ab}글암호입니다", "한글암호입니다");
    let new = hasher.hash(&Secret::from(letters)).await.unwrap();
    assert!(login(&hasher, syllables, &new).await.is_none());
    assert!(login(&hasher, letters, &new).await.is_none());
    // An earlier service hashed what a keyboard sent as letters: it still lets in who types the same, and is replaced by
    // a hash that no longer asks how.
    let typed = "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}\u{110b}\u{1161}\u{11b7}\u{1112}\u{1169}\u{110b}\u{1175}\u{11b8}\u{1102}\u{1175}\u{1103}\u{1161}";
    let old = "pbkdf2_sha256$1000$AAECAwQFBgcICQoLDA0ODw$M9ru2jUZZaz3HNjiCbH0BWpZ-cx24PBllXCBGU0FSaQ";
    let old = PasswordHash::parse(old).unwrap();
    assert!(refuses(&hasher, syllables, &old).await);
    let new = login(&hasher, typed, &old).await.unwrap();
    assert!(login(&hasher, syllables, &new).await.is_none());
}

#[tokio::test]
async fn nobody_logs_in_as_a_user_who_is_not_there() {
    for algorithm in [HashAlgorithm::FOR_TESTS, HashAlgorithm::ARGON2ID] {
        let answer = hasher(algorithm).verify(&Secret::from(PASSWORD), None).await.unwrap();
        assert!(matches!(answer, Verified::Wrong));
    }
}

#[test]
fn nothing_of_a_hash_is_printed() {
    for stored in OLD {
        let hash = PasswordHash::parse(stored).unwrap();
        let shown = format!("{hash:?}");
        let secret = stored.rsplit('$').next().unwrap();
        assert!(!shown.contains(&secret[secret.len() - 20..]), "{shown}");
        assert!(!shown.contains(&format!("{:?}", hash.digest)) && !shown.contains("AAECAwQF"), "{shown}");
    }
}

#[test]
fn what_is_no_hash_is_told_apart() {
    use InvalidPasswordHash::*;
    let salt = "AAECAwQFBgcICQoLDA0ODw";
    let hash = "wfDZ0N-DIAWbYiX9NM6M7keZdypIGeu1V3Tg3QXMzzI";
    let argon2id = "Icj/H7p6C8WRV0vt+Z3Rg9ry+JeXnUNf3o1ERB7aFds";
    for (stored, why) in [
        (String::new(), UnknownForm),
        ("hunter2".to_owned(), UnknownForm),
        (format!("pbkdf2_sha1$1000${salt}${hash}"), UnknownForm),
        (format!("$argon2i$v=19$m=19456,t=2,p=1${salt}${argon2id}"), UnknownForm),
        (format!("$2x{}", &BCRYPT[3..]), UnknownForm),
        (format!("pbkdf2_sha256$1000${salt}"), Malformed),
        (format!("pbkdf2_sha256$1000${salt}${hash}$"), Malformed),
        (format!("pbkdf2_sha256$+1000${salt}${hash}"), Malformed),
        (format!("pbkdf2_sha256$${salt}${hash}"), Malformed),
        (format!("pbkdf2_sha256$99999999999${salt}${hash}"), Malformed),
        (format!("pbkdf2_sha256$999${salt}${hash}"), Work),
        (format!("pbkdf2_sha256$10000001${salt}${hash}"), Work),
        (format!("pbkdf2_sha256$1000${salt}==${hash}"), Encoding),
        (format!("pbkdf2_sha256$1000${salt}${}", hash.replace('-', "+")), Encoding),
        (format!("pbkdf2_sha256$1000${salt}${}", &hash[..40]), Length),
        (format!("pbkdf2_sha256$1000${}${hash}", &salt[..20]), Length),
        (format!("pbkdf2_sha256$1000${}${hash}", "A".repeat(88)), Length),
        (format!("$argon2id$v=16$m=19456,t=2,p=1${salt}${argon2id}"), Malformed),
        (format!("$argon2id$v=19$t=2,m=19456,p=1${salt}${argon2id}"), Malformed),
        (format!("$argon2id$v=19$m=19456,t=2${salt}${argon2id}"), Malformed),
        (format!("$argon2id$v=19$m=1000,t=2,p=1${salt}${argon2id}"), Work),
        (format!("$argon2id$v=19$m=262145,t=2,p=1${salt}${argon2id}"), Work),
        (format!("$argon2id$v=19$m=19456,t=17,p=1${salt}${argon2id}"), Work),
        (format!("$argon2id$v=19$m=19456,t=0,p=1${salt}${argon2id}"), Work),
        (format!("$argon2id$v=19$m=19456,t=2,p=17${salt}${argon2id}"), Work),
        (format!("$argon2id$v=19$m=19456,t=2,p=1${salt}$AAAA"), Length),
        (BCRYPT.replace("$12$", "$17$"), Work),
        (BCRYPT.replace("$12$", "$03$"), Work),
        (BCRYPT.replace("$12$", "$4$"), Malformed),
        (BCRYPT[..59].to_owned(), Length),
        (BCRYPT[..58].to_owned(), Encoding),
        (format!("{}한", &BCRYPT[..57]), Encoding),
        (BCRYPT[..20].to_owned(), Length),
    ] {
        assert_eq!(PasswordHash::parse(&stored).unwrap_err(), why, "{stored}");
    }
}
