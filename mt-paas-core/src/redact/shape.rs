//! Values that are known by how they look: keys of providers and of our own services, and signed tokens.

use super::hit::Hit;
use super::rest::{Alphabet, Rest};
use super::window::{NeedMore, Window};

/// How one sort of key looks: a beginning, then at least so many bytes of an alphabet, with a capital or a digit.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) beginning: &'static str,
    alphabet: Alphabet,
    least: usize,
}

const fn shape(beginning: &'static str, alphabet: Alphabet, least: usize) -> Shape {
    Shape { beginning, alphabet, least }
}

use Alphabet::{Alphanumeric, Dotted, Token};

/// Every shape, with the lower bound of the length that its provider documents or uses. Our own keys come first.
pub(super) const SHAPES: &[Shape] = &[
    shape("mtp_", Token, 20),
    // OpenAI, Anthropic (sk-ant-), OpenRouter, DeepSeek, LiteLLM's virtual keys.
    shape("sk-", Token, 16),
    shape("sess-", Token, 30),
    // ElevenLabs; Stripe.
    shape("sk_", Alphanumeric, 40),
    shape("sk_live_", Alphanumeric, 16),
    shape("sk_test_", Alphanumeric, 16),
    shape("rk_live_", Alphanumeric, 16),
    shape("rk_test_", Alphanumeric, 16),
    shape("whsec_", Token, 20),
    // Google: API keys, access tokens, client secrets, refresh tokens.
    shape("AIza", Token, 30),
    shape("ya29.", Token, 20),
    shape("GOCSPX-", Token, 20),
    shape("1//0", Token, 30),
    // GitHub, GitLab.
    shape("ghp_", Alphanumeric, 30),
    shape("gho_", Alphanumeric, 30),
    shape("ghu_", Alphanumeric, 30),
    shape("ghs_", Alphanumeric, 30),
    shape("ghr_", Alphanumeric, 30),
    shape("github_pat_", Token, 30),
    shape("glpat-", Token, 20),
    // Slack.
    shape("xoxb-", Token, 10),
    shape("xoxa-", Token, 10),
    shape("xoxp-", Token, 10),
    shape("xoxr-", Token, 10),
    shape("xoxs-", Token, 10),
    shape("xoxe-", Token, 10),
    shape("xoxe.xox", Token, 10),
    shape("xapp-", Token, 10),
    // AWS: ids of access keys, which name the account.
    shape("AKIA", Alphabet::Upper, 16),
    shape("ASIA", Alphabet::Upper, 16),
    // Hugging Face, Groq, xAI, Perplexity, Replicate, NVIDIA, Tavily.
    shape("hf_", Alphanumeric, 30),
    shape("gsk_", Alphanumeric, 30),
    shape("xai-", Token, 30),
    shape("pplx-", Token, 30),
    shape("r8_", Alphanumeric, 30),
    shape("nvapi-", Token, 30),
    shape("tvly-", Token, 20),
    // Package registries and hosts.
    shape("npm_", Alphanumeric, 30),
    shape("pypi-", Token, 40),
    shape("dop_v1_", Alphanumeric, 40),
    shape("shpat_", Alphanumeric, 30),
    shape("SG.", Dotted, 40),
];

/// The key that begins at `at`, if one does.
pub(super) fn key(text: Window<'_>, at: usize, shapes: &[&Shape]) -> Result<Option<Hit>, NeedMore> {
    if !text.word_begins(at) {
        return Ok(None);
    }
    for shape in shapes {
        let length = shape.beginning.len();
        let rest = &text.bytes[at..];
        if !rest.starts_with(shape.beginning.as_bytes()) {
            // A beginning that is cut off is decided later.
            if !text.complete && shape.beginning.as_bytes().starts_with(rest) {
                return Err(NeedMore);
            }
            continue;
        }
        let end = text.run(at + length, 256, |byte| shape.alphabet.holds(byte))?;
        let body = &text.bytes[at + length..end];
        let exact = shape.alphabet != Alphabet::Upper || body.len() == shape.least;
        if exact
            && body.len() >= shape.least
            && body.iter().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        {
            return Ok(Some(Hit { start: at, resume: end, rest: Rest::Run(shape.alphabet) }));
        }
    }
    Ok(None)
}

/// No header of a signed token is longer.
const LONGEST_HEADER: usize = 4096;

/// The signed or encrypted token (RFC 7519, 7516) that begins at `at`, if one does: its header, a dot, and a body.
pub(super) fn jwt(text: Window<'_>, at: usize) -> Result<Option<Hit>, NeedMore> {
    if !text.bytes[at..].starts_with(b"eyJ") || !text.word_begins(at) {
        return Ok(None);
    }
    let base64url = |byte: u8| Alphabet::Token.holds(byte);
    let header = text.run(at, LONGEST_HEADER, base64url)?;
    if header - at < 10 || text.byte(header)? != Some(b'.') {
        return Ok(None);
    }
    let body = text.run(header + 1, 8, base64url)?;
    // The key of an encrypted token may be empty.
    let follows = body - header > 8 || body == header + 1 && text.byte(body)? == Some(b'.');
    Ok(follows.then_some(Hit { start: at, resume: body, rest: Rest::Run(Alphabet::Dotted) }))
}

/// What stands behind `Bearer` or `Basic` at `at`, if it is no ordinary word.
pub(super) fn after_scheme(text: Window<'_>, at: usize) -> Result<Option<Hit>, NeedMore> {
    if !text.word_begins(at) {
        return Ok(None);
    }
    let basic = text.says(at, b"basic")?;
    let length = if basic { 5 } else { 6 };
    if !basic && !text.says(at, b"bearer")? {
        return Ok(None);
    }
    let start = text.run(at + length, 8, |byte| byte == b' ')?;
    if start == at + length {
        return Ok(None);
    }
    let alphabet = if basic { Alphabet::Base64 } else { Alphabet::Token68 };
    let end = text.run(start, 256, |byte| alphabet.holds(byte))?;
    let value = &text.bytes[start..end];
    let secret = if basic { is_pair(value) } else { is_no_word(value) };
    let resume = text.run(end, 2, |byte| byte == b'=')?;
    let rest = if resume > end { Rest::Ended } else { Rest::Run(alphabet) };
    Ok(secret.then_some(Hit { start, resume, rest }))
}

/// A token, and not a word of a sentence such as "Bearer authentication" or `Bearer realm=…`.
fn is_no_word(value: &[u8]) -> bool {
    let word = value.strip_suffix(b".").unwrap_or(value);
    let plain = word
        .split_first()
        .is_none_or(|(_, rest)| rest.iter().all(|b| b.is_ascii_lowercase() || *b == b'_' || *b == b'-'));
    value.len() >= 6 && !(plain && word.len() < 20)
}

/// A user's name and password in base64 hold a colon (RFC 7617).
fn is_pair(value: &[u8]) -> bool {
    let digits = value.iter().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bits, mut held, mut colon, mut printable) = (0_u32, 0, false, true);
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            let byte = (bits >> held) as u8;
            colon |= byte == b':';
            printable &= byte >= b' ' && byte != 0x7f;
        }
    }
    value.len() >= 4 && colon && printable
}
