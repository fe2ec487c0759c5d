//! What is sealed opens in its place and nowhere else. Each judgement is shown to catch a seal with a fault in it.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use mt_paas_core::seal::{Keyring, RowPlace, SealError, SealPlace, sealed_under};
use mt_paas_core::{Secret, TenantId};

/// Something that seals, as it should or with a fault.
trait Sealer {
    fn seal(&self, plain: &str, place: SealPlace<'_>) -> String;
    fn open(&self, sealed: &str, place: SealPlace<'_>) -> Result<Secret<String>, SealError>;
}

impl Sealer for Keyring {
    fn seal(&self, plain: &str, place: SealPlace<'_>) -> String {
        Keyring::seal(self, &Secret::from(plain), place).unwrap()
    }

    fn open(&self, sealed: &str, place: SealPlace<'_>) -> Result<Secret<String>, SealError> {
        Keyring::open(self, sealed, place)
    }
}

/// Forgets one part of a place.
struct Blind(Keyring, fn(SealPlace<'_>) -> SealPlace<'_>);

impl Sealer for Blind {
    fn seal(&self, plain: &str, place: SealPlace<'_>) -> String {
        Sealer::seal(&self.0, plain, (self.1)(place))
    }

    fn open(&self, sealed: &str, place: SealPlace<'_>) -> Result<Secret<String>, SealError> {
        self.0.open(sealed, (self.1)(place))
    }
}

/// Gives what does not open as it is.
struct RawFallback(Keyring);

impl Sealer for RawFallback {
    fn seal(&self, plain: &str, place: SealPlace<'_>) -> String {
        Sealer::seal(&self.0, plain, place)
    }

    fn open(&self, sealed: &str, place: SealPlace<'_>) -> Result<Secret<String>, SealError> {
        self.0.open(sealed, place).or_else(|_| Ok(Secret::from(sealed)))
    }
}

pub(crate) fn ring() -> Keyring {
    Keyring::parse(Keyring::new_key().unwrap().expose()).unwrap()
}

/// A hundred places that differ in one part from others.
fn places() -> Vec<RowPlace> {
    let tenants = [None, Some("school"), Some("other")].map(|name| name.map(|name| name.parse::<TenantId>().unwrap()));
    let parts = ["", "a", "b", "ab"];
    let mut places = Vec::new();
    for tenant in tenants {
        for table in parts {
            for row in parts {
                places.extend(["k", "kk"].map(|column| RowPlace {
                    tenant: tenant.clone(),
                    table: table.to_owned(),
                    row: row.to_owned(),
                    column: column.to_owned(),
                }));
            }
        }
    }
    places
}

/// How many of 10,000 values opened in the place of another, or failed otherwise than they should.
fn swaps_that_open(sealer: &dyn Sealer) -> usize {
    let places = places();
    let sealed: Vec<String> = places.iter().map(|place| sealer.seal("{\"api_key\":\"x\"}", place.place())).collect();
    let pairs = (0..places.len()).flat_map(|one| (0..places.len()).map(move |other| (one, other)));
    let swapped: Vec<_> = pairs.filter(|(one, other)| one != other).cycle().take(10_000).collect();
    let fails = |(one, other): &&(usize, usize)| {
        !matches!(sealer.open(&sealed[*one], places[*other].place()), Err(SealError::Foreign))
    };
    swapped.iter().filter(fails).count()
}

#[test]
fn a_value_opens_in_no_other_place() {
    assert_eq!(swaps_that_open(&ring()), 0);
    let blind: [fn(SealPlace<'_>) -> SealPlace<'_>; 4] = [
        |place| SealPlace { tenant: None, ..place },
        |place| SealPlace { table: "", ..place },
        |place| SealPlace { row: "", ..place },
        |place| SealPlace { column: "", ..place },
    ];
    for forget in blind {
        assert!(swaps_that_open(&Blind(ring(), forget)) > 0);
    }
}

fn place() -> SealPlace<'static> {
    SealPlace { tenant: None, table: "accounts", row: "7", column: "token" }
}

/// How many of 10,000 values with one bit turned over opened, or failed otherwise than they should. Every bit of the
/// text and every bit of what it stands for has its turn.
fn flips_that_open(sealer: &dyn Sealer) -> usize {
    let text = sealer.seal("{\"api_key\":\"sk-0123456789\"}", place());
    let key = sealed_under(&text).unwrap();
    let (head, body) = text.rsplit_once('.').unwrap();
    let bytes = BASE64.decode(body).unwrap();
    let in_text = (0..text.len() * 7).map(|bit| {
        let mut letters = text.clone().into_bytes();
        letters[bit / 7] ^= 1 << (bit % 7);
        String::from_utf8(letters).unwrap()
    });
    let in_bytes = (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        format!("{head}.{}", BASE64.encode(bytes))
    });
    let flipped: Vec<String> = in_text.chain(in_bytes).collect();
    let fails = |text: &&String| match sealer.open(text, place()) {
        Err(SealError::Foreign) => false,
        // Where the name of the key was hit, the error says which one is asked for.
        Err(SealError::UnknownKey(other)) => other == key || sealed_under(text) != Some(other),
        _ => true,
    };
    flipped.iter().cycle().take(10_000).filter(fails).count()
}

#[test]
fn a_value_with_a_bit_turned_over_does_not_open() {
    assert_eq!(flips_that_open(&ring()), 0);
    assert!(flips_that_open(&RawFallback(ring())) > 9_000);
}

#[test]
fn what_is_no_sealed_value_does_not_open() {
    let ring = ring();
    let sealed = Sealer::seal(&ring, "x", place());
    let (head, body) = sealed.rsplit_once('.').unwrap();
    for text in ["", "x", "clear:x", "mts1", "mts1..", &format!("{head}."), &format!("{head}.AAAA"), body] {
        assert!(matches!(ring.open(text, place()), Err(SealError::Foreign)), "{text}");
    }
    for text in [format!("{sealed}="), format!(" {sealed}"), format!("{sealed}\n"), sealed.replace("mts1", "mts2")] {
        assert!(matches!(ring.open(&text, place()), Err(SealError::Foreign)), "{text}");
    }
}

/// Whether a ring without the key of a value says so, and names the key.
fn names_the_missing_key(first: &Keyring, other: &dyn Sealer) -> bool {
    let sealed = Sealer::seal(first, "the token", place());
    match other.open(&sealed, place()) {
        Err(error @ SealError::UnknownKey(id)) => {
            Some(id) == first.active() && error.to_string().contains(&id.to_string())
        }
        _ => false,
    }
}

#[test]
fn a_wrong_key_is_named_and_gives_nothing() {
    assert!(names_the_missing_key(&ring(), &ring()));
    assert!(!names_the_missing_key(&ring(), &RawFallback(ring())));
}

/// A ring whose name for its key is that of another: the key itself decides.
#[test]
fn a_value_that_claims_another_key_does_not_open() {
    let (one, other) = (Keyring::new_key().unwrap(), Keyring::new_key().unwrap());
    let first = Keyring::parse(one.expose()).unwrap();
    let both = Keyring::parse(&format!("{},{}", other.expose(), one.expose())).unwrap();
    let sealed = Sealer::seal(&first, "x", place());
    let claimed = sealed.replace(&first.active().unwrap().to_string(), &both.active().unwrap().to_string());
    assert!(both.open(&sealed, place()).is_ok());
    assert!(matches!(both.open(&claimed, place()), Err(SealError::Foreign)));
}

/// How many nonces came again.
fn repeated(count: usize, mut nonce: impl FnMut() -> [u8; 24]) -> usize {
    let mut seen = HashSet::with_capacity(count);
    (0..count).filter(|_| !seen.insert(nonce())).count()
}

fn nonce_of(ring: &Keyring) -> [u8; 24] {
    let sealed = Sealer::seal(ring, "", place());
    let body = BASE64.decode(sealed.rsplit_once('.').unwrap().1).unwrap();
    body[..24].try_into().unwrap()
}

#[test]
fn no_nonce_is_used_twice() {
    let ring = ring();
    // A million of what they are made of are in the tests of the keyring, ten million seals in the bench.
    assert_eq!(repeated(50_000, || nonce_of(&ring)), 0);
    // As if three bytes of it were all that changed.
    let short = |nonce: [u8; 24]| {
        let mut short = [0; 24];
        short[..3].copy_from_slice(&nonce[..3]);
        short
    };
    assert!(repeated(20_000, || short(nonce_of(&ring))) > 0);
}
