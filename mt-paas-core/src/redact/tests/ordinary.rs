//! What must stay as it is.

use crate::redact::Redactor;
use crate::secret::Secret;

const LINES: &[&str] = &[
    "2026-11-21T09:41:52.123456Z  INFO request{id=018f3c5a-7b1e-7c43-9b2a-3f1d2e4c5b6a}: mt_paas_axum::serve: GET /mt/tenant/hallym/users 200 12ms",
    "commit f4909a9d1c2b3a4f5e6d7c8b9a0f1e2d3c4b5a69 (HEAD -> main, origin/main)",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 verified in 3 ms",
    "usage prompt_tokens=1234 completion_tokens=567 total_tokens=1801 cached_tokens: 12 tokens_per_second=88.1",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "cursor=eyJpZCI6MTIzLCJ0IjoiMjAyNi0xMS0yMSJ9 limit=20 next_page_token=CAUQAA",
    "user authenticated: tenant=hallym method=password session_id=6f1f0a6a-5b9f-4c1e-8a5b-9f4c1e8a6f1f",
    "author=kim keyboard=ko monkey=true passed=12 failed=0 passenger: two compass: north secretary=lee tokenizer=cl100k_base",
    "key pool: key-1a2b3c4d lent to job 42 (provider=openai, key_id=7, api_key_id=9, key_name=school-1)",
    "risk-based task-queue disk-usage: 81% ask-me-anything sk-learn sk-fading-circle whisk_it AIzawa",
    "sqlite: PRAGMA journal_mode=WAL; INSERT INTO mt_users (tenant_id, user_id) VALUES ($1, $2)",
    "토큰: 1,234개 사용, 남은 토큰 수: 8,766, 암호화 방식: AES, 비밀번호 정책: 15자",
    "GET https://api.openai.com/v1/models?limit=20&order=asc#list 200 (https://a.kr/@kim, git@github.com:a/b.git)",
    "etag W/\"1a2b-Zm9vYmFy\" if-none-match \"33a64df551425fcc55e4d42a148795d9f25f89d4\" idempotency-key=6f1f0a6a",
    "The token bucket is full; the secret of success; a password must have 15 characters. Key: value.",
    "panicked at src/token.rs:12:5: called `Option::unwrap()` on a `None` value; note: token::next, auth::check",
    "model=gpt-4o-mini tokens=5 pass 3 of 4 key=ArrowDown public_key=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE",
];

const JSON: &[&str] = &[
    r#"{"id":"018f3c5a-7b1e-7c43-9b2a-3f1d2e4c5b6a","usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46,"prompt_tokens_details":{"cached_tokens":0}},"max_tokens":4096,"key":"name","keys":["a"],"token_type":"bearer","n":-1.5e3}"#,
    r#"{"b64_json":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk","sha":"f4909a9d1c2b3a4f5e6d7c8b9a0f1e2d3c4b5a69","text":"line\n\"quoted\" \u00e9 \/ 김","author":{"name":"kim","passed":true}}"#,
    r#"[{"tenant_id":"hallym","limits":{"max_tokens_per_day":1000000},"session_id":"abc","api_key_id":3,"requires_password":false,"token":null,"name":"tokens","value":"5"}]"#,
];

fn redactors() -> [Redactor; 2] {
    [Redactor::default(), Redactor::builder().secret(&Secret::from("some known secret")).name("student_number").build()]
}

#[test]
fn ordinary_lines_stay_as_they_are() {
    for redactor in redactors() {
        for line in LINES {
            assert_eq!(redactor.text(line), *line);
        }
        let all = LINES.join("\n");
        assert!(matches!(redactor.text(&all), std::borrow::Cow::Borrowed(_)));
    }
}

#[test]
fn ordinary_json_stays_as_it_is() {
    for redactor in redactors() {
        for json in JSON {
            assert_eq!(redactor.json_text(json), *json);
            let (value, mut redacted) =
                (serde_json::from_str::<serde_json::Value>(json).unwrap(), serde_json::from_str(json).unwrap());
            redactor.json(&mut redacted);
            assert_eq!(redacted, value);
        }
    }
}
