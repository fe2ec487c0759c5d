//! Bytes that nobody can guess.

/// Random bytes of the operating system.
///
/// # Panics
///
/// If the system has none, which on the systems that the standard library supports does not happen once they run; a
/// credential without chance would be worse.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
