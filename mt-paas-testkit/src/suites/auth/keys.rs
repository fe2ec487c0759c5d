//! Which keys count as the key.

use std::future::IntoFuture;

use crate::check::Level::{A, R};
use crate::check::{Check, live};
use crate::lab::{Lab, median_times};
use crate::outcome::{Stop, Verdict, skip};
use crate::target::swapped_case;

pub(super) const CHECKS: &[Check] = &[
    Check::new(A, "AUT-04", "the key header with an empty value", "401", live!(empty)),
    Check::new(A, "AUT-05", "the key with one character more; with one less", "401 both times", live!(near_misses)),
    Check::new(A, "AUT-06", "the key in other letter case", "401", live!(other_case)),
    Check::new(
        A,
        "AUT-07",
        "two key headers, one right and one wrong, in both orders",
        "401 or 400, the same both times",
        live!(two_headers),
    )
    .advisory(),
    Check::new(A, "AUT-08", "the key as query parameter; as cookie", "401 both times", live!(elsewhere)),
    Check::new(A, "AUT-09", "a key of bytes beyond ASCII", "401 or 400, never 500", live!(bytes)),
    Check::new(A, "AUT-10", "a key of 8 KiB", "4xx in under 1 s", live!(long)).advisory(),
    Check::new(R, "AUT-14", "the second configured key", "accepted like the first", live!(second_key)),
    Check::new(
        A,
        "AUT-17",
        "200 × a key wrong in its first byte, 200 × in its last",
        "median times differ by less than 5 % (figure only)",
        live!(timing),
    )
    .figure()
    .last(),
];

async fn with_key(lab: &Lab, key: &str, shown: &str) -> Verdict {
    lab.get(known(lab).await?).key(key, shown).await?.is(401).map(drop)
}

async fn known(lab: &Lab) -> Result<String, Stop> {
    Ok(format!("/tenant/{}/status", lab.a().await?))
}

async fn empty(lab: &Lab) -> Verdict {
    with_key(lab, "", "").await
}

async fn near_misses(lab: &Lab) -> Verdict {
    let key = lab.client.target.market_key();
    with_key(lab, &format!("{key}x"), "${MT_KEY}x").await?;
    with_key(lab, &key[..key.len() - 1], "${MT_KEY%?}").await
}

async fn other_case(lab: &Lab) -> Verdict {
    let key = lab.client.target.market_key();
    if swapped_case(key) == key {
        return Err(skip("the key has no letters"));
    }
    with_key(lab, &swapped_case(key), "$MT_KEY_OTHER_CASE").await
}

async fn two_headers(lab: &Lab) -> Verdict {
    let path = known(lab).await?;
    let (header, key) = (lab.client.target.key_header(false), lab.client.target.market_key());
    let wrong_last = lab.get(&path).header(header, "not-the-key").await?;
    let wrong_first = lab.get(&path).key("not-the-key", "not-the-key").header_shown(header, key, "$MT_KEY").await?;
    wrong_last.is_one_of(&[400, 401])?;
    wrong_first.is(wrong_last.status()).map(drop)
}

async fn elsewhere(lab: &Lab) -> Verdict {
    let path = known(lab).await?;
    let (header, key) = (lab.client.target.key_header(false), lab.client.target.market_key());
    let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    lab.get(format!("{path}?api_key={encoded}&key={encoded}&{header}={encoded}")).keyless().await?.is(401)?;
    let cookie = format!("{header}={key}; api_key={key}");
    lab.get(path).keyless().header_shown("Cookie", cookie, "api_key=$MT_KEY").await?.is(401).map(drop)
}

async fn bytes(lab: &Lab) -> Verdict {
    let key: &[u8] = &[0xed, 0x82, 0xa4, 0xff, 0xfe];
    lab.get(known(lab).await?).odd().key(key, r"\xed\x82\xa4\xff\xfe").await?.is_one_of(&[400, 401]).map(drop)
}

async fn long(lab: &Lab) -> Verdict {
    let answer = lab.get(known(lab).await?).odd().key("k".repeat(8 * 1024), "8192 times k").await?;
    answer.is_refused()?;
    answer.verdict(answer.exchange.millis < 1000, "an answer in under 1 s", format!("{} ms", answer.exchange.millis))
}

async fn second_key(lab: &Lab) -> Verdict {
    let Some(key) = lab.client.target.other_key() else { return Err(skip("no second key was given")) };
    lab.get(known(lab).await?).key(key, "$MT_SECOND_KEY").await?.is(200).map(drop)
}

async fn timing(lab: &Lab) -> Verdict {
    let (path, key) = (known(lab).await?, lab.client.target.market_key());
    let (first, last) = (format!("\x21{}", &key[1..]), format!("{}\x21", &key[..key.len() - 1]));
    let keys = [first, last];
    Err(median_times(200, |of| lab.get(&path).key(keys[of].as_str(), "a wrong key").into_future()).await?)
}
