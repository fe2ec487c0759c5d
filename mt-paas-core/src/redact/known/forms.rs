//! The ways to write a secret as a whole.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::Form;

/// `secret` as it is, in base64 and base64url at every alignment, in hexadecimal digits, in UTF-16 of both orders.
pub(super) fn forms(secret: &str) -> Vec<Form> {
    let plain = |bytes: Vec<u8>| Form { bytes, any_case: false, before: false, behind: false };
    let digits = secret.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let mut forms = vec![
        plain(secret.as_bytes().to_vec()),
        Form { any_case: true, ..plain(digits) },
        plain(secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        plain(secret.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    forms.extend((0..3).flat_map(|offset| in_base64(secret.as_bytes(), offset)));
    forms
}

/// In both alphabets, as it comes out behind `offset` other bytes: what depends on the secret alone.
fn in_base64(secret: &[u8], offset: usize) -> [Form; 2] {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(secret);
    let (first, end) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    let behind = !(bytes.len() * 8).is_multiple_of(6);
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)].map(|text| Form {
        bytes: text.as_bytes()[first..end].to_vec(),
        any_case: false,
        before: offset > 0,
        behind,
    })
}
