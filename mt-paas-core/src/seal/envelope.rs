//! The text that a sealed value is kept as: `mts1.<key>.<base64url of nonce, ciphertext and tag>`.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;

use super::key::{NONCE, SealKeyId};
use super::place::SealPlace;

/// The only version so far. It stands before the first dot, and is authenticated.
const VERSION: u8 = 1;
const MARK: &str = "mts1.";

/// A sealed value, taken apart.
pub(super) struct Envelope {
    pub(super) key: SealKeyId,
    pub(super) nonce: [u8; NONCE],
    /// With the tag at its end.
    pub(super) ciphertext: Vec<u8>,
}

impl Envelope {
    /// `None`: that is no sealed value. Every value has one text alone.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (key, body) = split(text)?;
        let body = BASE64.decode(body).ok()?;
        let (nonce, ciphertext) = body.split_first_chunk()?;
        Some(Self { key, nonce: *nonce, ciphertext: ciphertext.to_owned() })
    }

    pub(super) fn text(&self) -> String {
        let body = [&self.nonce[..], &self.ciphertext].concat();
        format!("{MARK}{}.{}", self.key, BASE64.encode(body))
    }
}

/// The key that a value says it was sealed under; `None`: it does not look sealed. Only opening it tells whether it is.
pub fn sealed_under(text: &str) -> Option<SealKeyId> {
    split(text).map(|(key, _)| key)
}

/// What is authenticated together with a value.
pub(super) fn associated(key: SealKeyId, place: SealPlace<'_>) -> Vec<u8> {
    let mut data = vec![VERSION];
    data.extend(key.bytes());
    place.write(&mut data);
    data
}

fn split(text: &str) -> Option<(SealKeyId, &str)> {
    let (key, body) = text.strip_prefix(MARK)?.split_once('.')?;
    Some((key.parse().ok()?, body))
}
