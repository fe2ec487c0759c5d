//! How fast secrets are taken out of JSON and logs.
//!
//! `cargo bench -p mt-paas-core --bench redact -- [rounds]`; 9 rounds unless told otherwise. Every figure is the median of
//! rounds that take turns with what it is compared with, in time of the processor. `benches/redact_peer.mjs` does the same
//! for a package of npm.

use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use mt_paas_core::Secret;
use mt_paas_core::redact::{MARK, Redactor};

const SIZE: usize = 10_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let rounds: usize = arguments.first().map_or(9, |text| text.parse().expect("a number of rounds"));
    if let Some(path) = arguments.get(1) {
        std::fs::write(path, document()).expect("a file for the document");
        println!("the document is in {path}");
    }
    println!("{rounds} rounds, medians; inputs of {SIZE} bytes\n");
    print_json(rounds);
    print_log(rounds);
}

/// JSON from text to text, beside the same without redaction.
fn print_json(rounds: usize) {
    let document = document();
    let redactor = Redactor::default();
    let redacted = redactor.json_bytes(&document);
    let secrets = count(&document, "\"api_key\"");
    assert_eq!(count(&redacted, &format!("\"api_key\":\"{MARK}\"")), secrets, "every key is hidden");
    assert_eq!(count(&redacted, "\"total_tokens\":"), secrets, "and the counts are not");
    let [transcoded, streamed, tree] = medians(
        rounds,
        [
            &mut || {
                let mut out = Vec::with_capacity(document.len());
                let mut reader = serde_json::Deserializer::from_slice(&document);
                serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::new(&mut out)).expect("JSON");
                out.len()
            },
            &mut || {
                let mut writer = redactor.json_writer(Vec::with_capacity(document.len()));
                document.chunks(64 * 1024).for_each(|chunk| writer.write_all(chunk).expect("memory"));
                writer.finish().expect("memory").len()
            },
            &mut || {
                let mut value: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
                redactor.json(&mut value);
                serde_json::to_vec(&value).expect("JSON").len()
            },
        ],
    );
    println!("JSON, {secrets} objects with a secret each");
    print("serde_transcode, nothing hidden", document.len(), transcoded, None);
    print("as a stream of 64 KiB chunks", document.len(), streamed, Some(transcoded));
    print("as a tree, parsed and written", document.len(), tree, Some(transcoded));
}

/// Lines of a log.
fn print_log(rounds: usize) {
    let (clean, tenth) = (log(0), log(10));
    let plain = Redactor::default();
    let told = (0..20).map(|number| Secret::new(format!("configured-key-{number:04}-{}", hex(number, 24))));
    let told = told.fold(Redactor::builder(), |builder, secret| builder.secret(&secret)).build();
    assert_eq!(plain.bytes(&clean).as_ref(), clean, "nothing matches");
    let hidden = count(&plain.bytes(&tenth), MARK);
    assert_eq!(hidden, count(&tenth, "\n") / 10, "a secret on every tenth line");
    let by_line = |redactor: &Redactor, log: &[u8]| -> usize {
        log.split_inclusive(|byte| *byte == b'\n').map(|line| redactor.bytes(line).len()).sum()
    };
    let [memory, whole, lines, known, tenth_whole, tenth_lines, tenth_known] = medians(
        rounds,
        [
            &mut || black_box(clean.clone()).len(),
            &mut || plain.bytes(&clean).len(),
            &mut || by_line(&plain, &clean),
            &mut || told.bytes(&clean).len(),
            &mut || plain.bytes(&tenth).len(),
            &mut || by_line(&plain, &tenth),
            &mut || told.bytes(&tenth).len(),
        ],
    );
    println!("\nlog, {} lines", count(&clean, "\n"));
    print("copied", clean.len(), memory, None);
    print("nothing matches, whole", clean.len(), whole, None);
    print("nothing matches, line by line", clean.len(), lines, None);
    print("nothing matches, 20 known secrets", clean.len(), known, None);
    print("a secret every tenth line, whole", tenth.len(), tenth_whole, None);
    print("a secret every tenth line, by line", tenth.len(), tenth_lines, None);
    print("the same, 20 known secrets", tenth.len(), tenth_known, None);
}

/// The median time of each, measured in turns, so that whatever else the machine does is shared. The first turn warms up.
fn medians<const N: usize>(rounds: usize, mut works: [&mut dyn FnMut() -> usize; N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..=rounds {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let began = now();
            black_box(work());
            if round > 0 {
                times.push(now() - began);
            }
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// Time of the processor, which other programs do not take from this one; elsewhere than on Linux that of the wall.
fn now() -> Duration {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
    }
    #[cfg(not(target_os = "linux"))]
    {
        static BEGAN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
        BEGAN.elapsed()
    }
}

fn print(what: &str, bytes: usize, took: Duration, beside: Option<Duration>) {
    let rate = bytes as f64 / took.as_secs_f64() / 1e6;
    let ratio = beside
        .map_or_else(String::new, |other| format!("   {:>5.2} of its rate", other.as_secs_f64() / took.as_secs_f64()));
    println!("  {what:<36} {:>8.2} ms {rate:>8.0} MB/s{ratio}", took.as_secs_f64() * 1e3);
}

/// Records of calls to a provider, each with a key.
fn document() -> Vec<u8> {
    let mut out = Vec::with_capacity(SIZE + 1024);
    out.extend_from_slice(b"{\"records\":[");
    let mut number = 0;
    while out.len() < SIZE {
        if number > 0 {
            out.push(b',');
        }
        write!(
            out,
            "{{\"id\":\"{}\",\"at\":\"2026-11-21T09:{:02}:{:02}Z\",\"model\":\"gpt-4o-mini\",\"api_key\":\"key-of-{number}\",\
             \"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{}}},\"cost\":{}.25,\"ok\":true,\
             \"messages\":[{{\"role\":\"user\",\"content\":\"How do I sort {number} numbers in a \\\"stable\\\" way?\\nThanks.\"}},\
             {{\"role\":\"assistant\",\"content\":\"병합 정렬은 안정적입니다. Use merge sort; it keeps equal elements in order and takes n log n steps.\"}}],\
             \"tags\":[\"school\",\"b{}\",null],\"digest\":\"{}\"}}",
            hex(number, 32), number / 60 % 60, number % 60, number % 900, number % 400, number % 900 + number % 400,
            number % 7, number % 10, hex(number + 7, 64)
        )
        .expect("memory");
        number += 1;
    }
    out.extend_from_slice(b"]}");
    out
}

/// Lines as services write them; every so many of them holds a secret.
fn log(every: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(SIZE + 1024);
    let mut number = 0;
    while out.len() < SIZE || number % 10 != 0 {
        let (id, digest) = (hex(number, 32), hex(number + 3, 64));
        write!(out, "2026-11-21T09:{:02}:{:02}.{:06}Z  INFO ", number / 60 % 60, number % 60, number * 37 % 1_000_000)
            .expect("memory");
        let secret = every > 0 && number % every == 0;
        match number % 5 {
            0 if secret && number % 20 == 0 => write!(out, "mt_paas::provider: call refused: Incorrect API key provided: sk-proj-{}T3BlbkFJ", hex(number, 40)),
            0 if secret => write!(out, "mt_paas::admin: request body {{\"name\":\"school-1\",\"api_key\":\"{id}\"}} took 3 ms"),
            0 => write!(out, "request{{id={id}}}: mt_paas_axum::serve: GET /mt/tenant/hallym/users?limit=20&offset={number} 200 {} bytes in 12 ms", number % 9000),
            1 => write!(out, "mt_paas_core::usage: recorded event={id} model=gpt-4o-mini prompt_tokens={} completion_tokens={} cost=0.0{}", number % 900, number % 300, number % 97),
            2 => write!(out, "artifact sha256={digest} size={} path=/var/lib/mt-paas/data/{}/{}.bin", number * 131, &id[..2], &id[2..]),
            3 => write!(out, "image data:image/png;base64,{} stored for user {}", base64(number, 120), &id[..16]),
            _ => write!(out, "sqlx::query: SELECT user_id, name FROM mt_users WHERE tenant_id = $1 ORDER BY created_at LIMIT 20 rows={} elapsed=1.{number}ms", number % 20),
        }
        .expect("memory");
        out.push(b'\n');
        number += 1;
    }
    out
}

/// Digits that differ from number to number.
fn hex(number: u64, digits: usize) -> String {
    characters(number, digits, b"0123456789abcdef")
}

fn base64(number: u64, digits: usize) -> String {
    characters(number, digits, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}

fn characters(number: u64, count: usize, alphabet: &[u8]) -> String {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(alphabet[(state >> 32) as usize % alphabet.len()])
        })
        .collect()
}

fn count(text: &[u8], needle: &str) -> usize {
    text.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count()
}
