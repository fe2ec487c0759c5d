//! Each rule beside what it must leave alone.

mod encoded;
mod known;
mod ordinary;
mod streams;

use serde_json::json;

use super::Redactor;

/// What the built-in rules make of texts.
fn check(cases: &[(&str, &str)]) {
    let redactor = Redactor::default();
    for (text, expected) in cases {
        assert_eq!(redactor.text(text), *expected, "of {text}");
        assert_eq!(redactor.text(expected), *expected, "again");
    }
}

#[test]
fn keys_of_providers_go_wherever_they_stand() {
    let redactor = Redactor::default();
    for key in [
        "sk-proj-Abc123def456ghi789jkl",
        "sk-ant-api03-AbCd1234_efgh-5678IJKL",
        "sk_0123456789abcdef0123456789abcdef0123456789abcdef",
        "sk_live_51Habcdefghijklmnop",
        "whsec_0123456789abcdefghijkl",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "ya29.a0AfH6SMBx1234567890abcdef",
        "GOCSPX-1234567890abcdefghij",
        "ghp_1234567890abcdefghijklmnopqrstuvwxyz",
        "github_pat_11ABCDEFG0123456789_abcdefghijklmn",
        "glpat-abcdefghij1234567890",
        "xoxb-123456789012-abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYz12345678",
        "gsk_AbCdEfGhIjKlMnOpQrStUvWxYz12345678",
        "npm_1234567890abcdefghijklmnopqrstuvwxyz",
        "SG.1234567890abcdefghijkl.1234567890abcdefghijklmnopqrstuvwxyz",
        "mtp_live_0123456789abcdefABCDEF0123456789",
        "mtp_mkt_6f1f0a6a5b9f4c1e8a5b9f4c1e8a6f1f",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvTiFvSkQ",
    ] {
        for (before, after) in [
            ("", ""),
            ("key ", " rejected"),
            ("(", ")"),
            ("\\n", "\\n"),
            ("x%3D", "&y"),
            ("'", "',"),
            ("키", "가"),
            ("a,", ""),
        ] {
            let text = format!("{before}{key}{after}");
            assert_eq!(redactor.text(&text), format!("{before}[redacted]{after}"), "{text}");
        }
        if !key.starts_with("eyJ") {
            assert_eq!(redactor.text(&format!("no{key}")), format!("no{key}"), "inside a word");
        }
    }
}

#[test]
fn what_stands_behind_a_scheme_goes_and_the_scheme_stays() {
    check(&[
        ("sent Bearer abc123def", "sent Bearer [redacted]"),
        ("BEARER aaaabbbbccccddddeeeeffff.", "BEARER [redacted]"),
        ("Basic dXNlcjpwYXNz", "Basic [redacted]"),
        (
            "WWW-Authenticate: Bearer realm=\"x\", error=\"invalid_token\"",
            "WWW-Authenticate: Bearer realm=\"x\", error=\"invalid_token\"",
        ),
        ("Bearer authentication needs Basic knowledge", "Bearer authentication needs Basic knowledge"),
    ]);
}

#[test]
fn values_of_secret_names_go() {
    check(&[
        ("password=hunter2 user=kim", "password=[redacted] user=kim"),
        ("password: hunter", "password: [redacted]"),
        ("비밀번호=가나다 이름=김", "비밀번호=[redacted] 이름=김"),
        ("API 키: abc-def-123 끝", "API 키: [redacted] 끝"),
        ("the api key: abc-def-123.", "the api key: [redacted]"),
        ("db.password = \"a b\\\" c\" x", "db.password = \"[redacted]\" x"),
        ("{\"user\":\"kim\",\"password\":\"x y\",\"n\":1}", "{\"user\":\"kim\",\"password\":\"[redacted]\",\"n\":1}"),
        ("{'api_key': 'abc', 'n': 1}", "{'api_key': '[redacted]', 'n': 1}"),
        (r#"body="{\"token\":\"a\\\"b\",\"n\":1}""#, r#"body="{\"token\":\"[redacted]\",\"n\":1}""#),
        (
            r#""{\"a\":\"{\\\"secret\\\":\\\"x\\\",\\\"n\\\":1}\"}""#,
            r#""{\"a\":\"{\\\"secret\\\":\\\"[redacted]\\\",\\\"n\\\":1}\"}""#,
        ),
        (
            "Login { user: \"kim\", password: Some(\"x y\"), n: 1 }",
            "Login { user: \"kim\", password: [redacted], n: 1 }",
        ),
        ("api_keys=[\"a)\", \"b\"] n=1", "api_keys=[redacted] n=1"),
        ("token: Secret { value: \"x\" } n", "token: [redacted] n"),
        ("Authorization: Bearer abc", "Authorization: Bearer [redacted]"),
        ("authorization=Bearer abc user=kim", "authorization=Bearer [redacted] user=kim"),
        ("-H 'Authorization: Token abc' -v", "-H 'Authorization: Token [redacted]' -v"),
        ("Authorization: Digest username=\"a\", response=\"b\"\nnext", "Authorization: Digest [redacted]\nnext"),
        ("Cookie: a=b; c=d\nnext", "Cookie: [redacted]\nnext"),
        ("cookie=a=b; c=d next=1", "cookie=[redacted] next=1"),
        ("user=a&password=b&n=1", "user=a&password=[redacted]&n=1"),
        ("Server=x;Password=a;b;Database=y", "Server=x;Password=[redacted];Database=y"),
        ("(password=a)b, user=c)", "(password=[redacted], user=c)"),
        ("secret=ab\"cd'ef next", "secret=[redacted] next"),
        ("user[password]=x&a=b", "user[password]=[redacted]&a=b"),
        ("password => x y", "password => [redacted] y"),
        (
            "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0mhunter2 n",
            "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0m[redacted] n",
        ),
        ("GET /x?a=1&token=abc&key=AbCd123456&b=2 200", "GET /x?a=1&token=[redacted]&key=[redacted]&b=2 200"),
        ("password=[redacted] x", "password=[redacted] x"),
    ]);
}

#[test]
fn words_about_secrets_stay() {
    check(&[
        ("token: expired", "token: expired"),
        ("invalid token: signature mismatch", "invalid token: signature mismatch"),
        ("password=true token=null secret: None", "password=true token=null secret: None"),
        ("the password is wrong, the secret missing", "the password is wrong, the secret missing"),
        (
            "max_tokens=4096 total_tokens: 12 token_count=3 \"prompt_tokens\":9",
            "max_tokens=4096 total_tokens: 12 token_count=3 \"prompt_tokens\":9",
        ),
        ("access_tokens=5 api_keys: 3", "access_tokens=5 api_keys: 3"),
        ("token::parse(x) if token == y", "token::parse(x) if token == y"),
        ("key: value, cache_key=a:b:c, api_key_id=42", "key: value, cache_key=a:b:c, api_key_id=42"),
        ("password=\"\" token= user=kim", "password=\"\" token= user=kim"),
        ("GET /x?code=404&key=name&sig=1", "GET /x?code=404&key=name&sig=1"),
    ]);
}

#[test]
fn user_information_of_urls_goes() {
    check(&[
        ("postgres://user:pass@db.kr:5432/x?sslmode=on", "postgres://[redacted]@db.kr:5432/x?sslmode=on"),
        ("redis://:p%40ss@h/0, next", "redis://[redacted]@h/0, next"),
        ("at https://tok@a.kr/", "at https://[redacted]@a.kr/"),
        ("mysql://u:a/b@c@h/d", "mysql://[redacted]@h/d"),
        (
            "https://a.kr:8080/@kim/x http://[::1]:80/@x https://b.kr/a@b",
            "https://a.kr:8080/@kim/x http://[::1]:80/@x https://b.kr/a@b",
        ),
    ]);
}

#[test]
fn private_keys_go_over_all_their_lines() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nMIIE\nabc+/=\n-----END RSA PRIVATE KEY-----";
    let escaped = key.replace('\n', "\\n");
    check(&[
        (&format!("a {key} b"), "a [redacted] b"),
        (&format!("\"private_key\":\"{escaped}\",\"n\":1"), "\"private_key\":\"[redacted]\",\"n\":1"),
        (&format!("\"private_key\":\"{key}\",\"n\":1"), "\"private_key\":\"[redacted]\",\"n\":1"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\nabc", "[redacted]"),
        (
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        ),
        ("-------- BEGIN --------", "-------- BEGIN --------"),
    ]);
}

#[test]
fn addresses_of_people_go_if_that_is_wanted() {
    let redactor = Redactor::builder().emails().build();
    for (text, expected) in [
        ("to kim.chulsoo+x@hallym.ac.kr.", "to [redacted]."),
        ("<김@한림.한국>", "<[redacted]>"),
        ("a@b.kr,c@d.kr", "[redacted],[redacted]"),
        ("@kim a@b x@1.2.3.4 @", "@kim a@b x@1.2.3.4 @"),
        ("https://u@h.kr/", "https://[redacted]@h.kr/"),
    ] {
        assert_eq!(redactor.text(text), expected);
    }
    assert_eq!(Redactor::default().text("a@b.kr"), "a@b.kr");
    assert_eq!(redactor.json_text(r#"{"a@b.kr":"c@d.kr"}"#), r#"{"[redacted]":"[redacted]"}"#);
}

#[test]
fn json_is_redacted_by_name_and_by_shape() {
    let redactor = Redactor::default();
    for (text, expected) in [
        (r#"{"password":"x","n":1}"#, r#"{"password":"[redacted]","n":1}"#),
        (
            r#"{"otp":123456,"max_tokens":9,"token":null,"secret":true,"api_key":""}"#,
            r#"{"otp":"[redacted]","max_tokens":9,"token":null,"secret":true,"api_key":""}"#,
        ),
        (r#"{"p\u0061ssword" : "x"}"#, r#"{"p\u0061ssword" : "[redacted]"}"#),
        (r#"{"\ube44\ubc00\ubc88\ud638":"x"}"#, r#"{"\ube44\ubc00\ubc88\ud638":"[redacted]"}"#),
        (r#"{"비밀번호":"x","토큰":3}"#, r#"{"비밀번호":"[redacted]","토큰":3}"#),
        (r#"{"authorization":"Bearer x"}"#, r#"{"authorization":"Bearer [redacted]"}"#),
        (
            r#"{"api_keys":["a",{"name":"n","value":"v","deep":[1,{"x":"y"}]}],"b":"c"}"#,
            r#"{"api_keys":["[redacted]",{"name":"n","value":"[redacted]","deep":[1,{"x":"[redacted]"}]}],"b":"c"}"#,
        ),
        (
            r#"{"credentials":{"user":"u","expires_at":"2026"}}"#,
            r#"{"credentials":{"user":"[redacted]","expires_at":"2026"}}"#,
        ),
        (
            r#"[{"name":"Authorization","value":"Basic x"},{"name":"Accept","value":"y"}]"#,
            r#"[{"name":"Authorization","value":"Basic [redacted]"},{"name":"Accept","value":"y"}]"#,
        ),
        (r#"{"a":"{\"password\":\"x\",\"n\":[1]}"}"#, r#"{"a":"{\"password\":\"[redacted]\",\"n\":[1]}"}"#),
        (r#"{"a":"[\"{\\\"token\\\":\\\"x\\\"}\"]"}"#, r#"{"a":"[\"{\\\"token\\\":\\\"[redacted]\\\"}\"]"}"#),
        (r#"{"a":"see \"sk-proj-Abc123def456ghi789jkl\"\n"}"#, r#"{"a":"see \"[redacted]\"\n"}"#),
        (r#"{"sk-proj-Abc123def456ghi789jkl":{"spend":1}}"#, r#"{"[redacted]":{"spend":1}}"#),
        ("{\"token\":\"x\"}\n{\"token\":\"y\"}\n", "{\"token\":\"[redacted]\"}\n{\"token\":\"[redacted]\"}\n"),
        (r#""sk-proj-Abc123def456ghi789jkl""#, r#""[redacted]""#),
    ] {
        assert_eq!(redactor.json_text(text), expected, "of {text}");
        assert_eq!(redactor.json_text(expected), expected, "again");
    }
}

#[test]
fn a_tree_becomes_what_its_text_becomes() {
    let redactor = Redactor::default();
    let mut value = json!({
        "a": {"clientSecret": "x", "list": [{"password": 5}, "Bearer abcdef123", 1.5, null]},
        "name": "password", "value": "x",
        "sk-proj-Abc123def456ghi789jkl": {"tokens": 5},
        "text": "{\"a\": {\"api_key\": \"x\", \"b\": \"\\n\"}}",
    });
    let text = redactor.json_text(&value.to_string());
    redactor.json(&mut value);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    assert_eq!(
        value["a"],
        json!({"clientSecret": "[redacted]", "list": [{"password": "[redacted]"}, "Bearer [redacted]", 1.5, null]})
    );
    assert_eq!(value["[redacted]"]["tokens"], 5);
}

#[test]
fn what_is_no_json_is_read_as_text_from_the_last_name_on() {
    let redactor = Redactor::default();
    for (text, expected) in [
        ("password=x {\"a\":1}", "password=[redacted] {\"a\":1}"),
        (r#"{"a":1,"password":"hunt"#, r#"{"a":1,"password":"[redacted]"#),
        (r#"{"a":"token=abc"#, r#"{"a":"token=[redacted]"#),
        (r#"{"password" = "x y"}"#, r#"{"password" = "[redacted]"}"#),
        (r#""password": "x y", "n": 1"#, r#""password": "[redacted]", "n": 1"#),
        ("[\"password\"=\"x\"]", "[\"password\"=\"[redacted]\"]"),
        ("{\"password\": hunter2, \"n\": 1}", "{\"password\": \"[redacted]\", \"n\": 1}"),
        ("{\"secret\":{\"a\" oops b", "{\"secret\":{[redacted]"),
        ("[2026-11-21 10:00] password=x", "[2026-11-21 10:00] password=[redacted]"),
        ("", ""),
        ("{\"a\":tru", "{\"a\":tru"),
    ] {
        assert_eq!(redactor.json_text(text), expected, "of {text}");
    }
}

#[test]
fn headers_keep_their_scheme_and_ordinary_ones_everything() {
    let redactor = Redactor::default();
    for (name, value, expected) in [
        ("Authorization", "Bearer abc", "Bearer [redacted]"),
        ("authorization", "abc", "[redacted]"),
        ("proxy-authorization", "Basic abc", "Basic [redacted]"),
        ("Cookie", "a=b; c=d", "[redacted]"),
        ("set-cookie", "a=b; Path=/", "[redacted]"),
        ("X-Api-Key", "abc", "[redacted]"),
        ("api-key", "abc", "[redacted]"),
        ("x-admin-key", "abc", "[redacted]"),
        ("x-marketplace-key", "abc", "[redacted]"),
        ("x-goog-api-key", "abc", "[redacted]"),
        ("Idempotency-Key", "abc", "abc"),
        ("Content-Type", "application/json", "application/json"),
        ("Referer", "https://a.kr/?token=abc", "https://a.kr/?token=[redacted]"),
    ] {
        assert_eq!(redactor.header(name, value), expected, "{name}");
    }
}

#[test]
fn urls_lose_their_secrets_alone() {
    let redactor = Redactor::default();
    for (url, expected) in [
        ("https://u:p@a.kr:1/x?page=2&token=t#top", "https://[redacted]@a.kr:1/x?page=2&token=[redacted]#top"),
        (
            "/cb?code=AbCdEf123456&state=1#access_token=x&expires_in=3",
            "/cb?code=[redacted]&state=1#access_token=[redacted]&expires_in=3",
        ),
        ("/x?X-Amz-Signature=0123456789abcdef&X-Amz-Date=1", "/x?X-Amz-Signature=[redacted]&X-Amz-Date=1"),
        ("/x?next=https%3A%2F%2Fu%3Ap%40h%2F&p%61ssword=x", "/x?next=[redacted]&p%61ssword=[redacted]"),
        ("/api-keys/sk-proj-Abc123def456ghi789jkl", "/api-keys/[redacted]"),
        ("/x?max_tokens=5&key=name&q=a%20b", "/x?max_tokens=5&key=name&q=a%20b"),
        ("/x?password=a,b&c", "/x?password=[redacted]&c"),
    ] {
        assert_eq!(redactor.url(url), expected);
        assert_eq!(redactor.url(expected), expected, "again");
    }
}

#[test]
fn an_application_adds_names() {
    let redactor = Redactor::builder().name("student_number").name("rrn").build();
    assert_eq!(redactor.text("studentNumber=20261234 rrn: 1 x"), "studentNumber=[redacted] rrn: [redacted] x");
    assert_eq!(
        redactor.json_text(r#"{"student-number":2026,"rrn":"1"}"#),
        r#"{"student-number":"[redacted]","rrn":"[redacted]"}"#
    );
    assert_eq!(Redactor::default().text("studentNumber=20261234"), "studentNumber=20261234");
}
