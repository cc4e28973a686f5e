//! Secrets in no output.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

const CANARY: &str = "cañ\"ary/+? 7&\n";

fn redactor(values: &[&str]) -> Redactor {
    let mut secrets = Secrets::default();
    values.iter().for_each(|value| secrets.add(value));
    Redactor::new(&secrets)
}

#[test]
fn every_form_of_a_secret_is_found() {
    let redactor = redactor(&[CANARY]);
    let quoted = serde_json::to_string(CANARY).unwrap();
    let url: String = CANARY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(redactor.redact(&url), url, "nobody writes letters so");
    for (form, whole) in [
        (CANARY.to_owned(), true),
        (quoted.clone(), false),
        (serde_json::to_string(&quoted).unwrap(), false),
        (format!("{CANARY:?}"), false),
        ("ca\\u00f1\\\"ary/+? 7&\\n".to_owned(), true),
        ("ca%C3%B1%22ary%2F%2B%3F%207%26%0A".to_owned(), true),
        ("ca%c3%b1%22ary%2f%2b%3f%207%26%0a".to_owned(), true),
        ("ca%C3%B1%22ary%2F%2B%3F+7%26%0A".to_owned(), true),
        (STANDARD.encode(CANARY), false),
        (URL_SAFE.encode(CANARY), false),
    ] {
        let text = format!("before {form} after");
        let clean = redactor.redact(&text);
        assert!(
            clean.starts_with("before ") && clean.ends_with(" after") && clean.contains("***"),
            "{clean}"
        );
        assert!(!clean.contains("ary"), "{clean}");
        assert!(!whole || clean == "before *** after", "{clean}");
    }
}

#[test]
fn a_secret_within_base64_is_found_wherever_it_starts() {
    let redactor = redactor(&["correct horse"]);
    for user in ["", "a", "ab", "abc", "abcd"] {
        for end in ["", "x", "xy"] {
            let header = STANDARD.encode(format!("{user}:correct horse{end}"));
            let clean = redactor.redact(&header);
            assert!(clean.contains("***"), "{user} {header}");
        }
    }
}

#[test]
fn text_without_secrets_is_left_alone() {
    assert!(matches!(redactor(&["hunter2"]).redact("hunter3"), std::borrow::Cow::Borrowed("hunter3")));
    assert_eq!(redactor(&["abc"]).redact("abc"), "abc", "too short to be told from other words");
    assert_eq!(redactor(&[]).redact("abc"), "abc");
    // The longer of two is replaced whole.
    assert_eq!(redactor(&["pass", "password1"]).redact("password1 pass"), "*** ***");
}

#[test]
fn documents_keep_their_form() {
    let mut report = json!({"rows": 5432, "error": "for 5432", "5432": ["x5432"]});
    redactor(&["5432"]).redact_json(&mut report);
    assert_eq!(report, json!({"rows": 5432, "error": "for ***", "***": ["x***"]}));
}

#[test]
fn every_secret_of_a_config_is_noted() {
    let config = json!({
        "connection": {"url": "https://user:p%40ss1@host/x?api_key=query1&page=1"},
        "auth": {"type": "oauth2", "client_id": "client1", "client_secret": "secret1", "token_url": "https://tok1@h/",
                 "refresh_token": "${env:REFRESH}"},
        "options": {"token": "option1", "users": [{"name": "name1", "pin": 987654}], "null_values": ["${env:UNMARKED}"]}
    });
    let resolved = resolve(config, &[("REFRESH", "refresh1"), ("UNMARKED", "unmarked1")]).unwrap();
    let redactor = resolved.redactor();
    let secrets =
        ["p%40ss1", "p@ss1", "query1", "secret1", "tok1", "refresh1", "option1", "987654", "unmarked1"];
    for secret in secrets {
        assert_eq!(redactor.redact(secret), "***", "{secret}");
    }
    for open in ["client1", "name1", "user", "https://", "page=1"] {
        assert_eq!(redactor.redact(open), open);
    }
}

#[test]
fn addresses_are_no_secrets() {
    let config = json!({"connection": {"path": "${env:HOME}/data"}, "name": "${env:NAME}"});
    let resolved = resolve(config, &[("HOME", "/home/me"), ("NAME", "shop")]).unwrap();
    assert!(resolved.secrets.is_empty());
}

#[test]
fn no_error_shows_a_secret() {
    for config in [
        json!({"options": {"quote": "${env:CANARY}"}}),
        json!({"options": {"token": "canary1", "quote": "canary1"}}),
        json!({"auth": {"type": "${env:CANARY}"}}),
        json!({"auth": {"type": "bearer", "token": "canary1", "more": "canary1"}}),
        json!({"connection": {"url": "x://u:canary1@h", "path": "p"}}),
        json!({"options": {"batch_rows": "${env:CANARY}"}}),
    ] {
        let message = message(resolve(config.clone(), &[("CANARY", "canary1")]));
        assert!(!message.contains("canary1"), "{message}");
    }
}
