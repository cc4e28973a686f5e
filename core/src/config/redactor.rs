//! Keeps secrets out of every output.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A shorter secret is part of too many other words.
const MIN_BYTES: usize = 4;
/// What stands in place of a secret.
pub const REDACTED: &str = "***";

/// The secrets of a config. `Debug` shows their number.
#[derive(Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Adds a value. One of less than 4 bytes is not kept: it would be found everywhere.
    pub fn add(&mut self, value: &str) {
        if value.len() >= MIN_BYTES {
            self.0.insert(value.to_owned());
        }
    }

    /// Adds those of another config.
    pub fn extend(&mut self, other: &Secrets) {
        self.0.extend(other.0.iter().cloned());
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Replaces secrets by `***`: as they are, and as they stand in URLs, base64, JSON and debug output.
#[derive(Clone, Default)]
pub struct Redactor(Option<AhoCorasick>);

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// A redactor for these secrets.
    ///
    /// ```
    /// use dstream_core::config::{Redactor, Secrets};
    /// let mut secrets = Secrets::default();
    /// secrets.add("hunter&2");
    /// let redactor = Redactor::new(&secrets);
    /// assert_eq!(redactor.redact("https://u:hunter%262@host"), "https://u:***@host");
    /// ```
    pub fn new(secrets: &Secrets) -> Redactor {
        let mut forms = BTreeSet::new();
        for secret in &secrets.0 {
            add_forms(secret, &mut forms);
        }
        if forms.is_empty() {
            return Redactor(None);
        }
        // Leftmost-longest, so that no tail of a secret is left behind a shorter one.
        let built = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms);
        Redactor(Some(built.expect("a config of 1 MiB makes an automaton far below its limits")))
    }

    /// `text` without secrets; the same text where there are none.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let Some(forms) = &self.0 else { return Cow::Borrowed(text) };
        let mut out = String::new();
        let mut done = 0;
        for found in forms.find_iter(text) {
            out.push_str(&text[done..found.start()]);
            out.push_str(REDACTED);
            done = found.end();
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }

    /// Redacts every text in a JSON document and leaves its numbers and its form alone.
    pub fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.redact(text) {
                    *text = clean;
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|value| self.redact_json(value)),
            Value::Object(object) => {
                let is_clean = object.keys().all(|key| matches!(self.redact(key), Cow::Borrowed(_)));
                if !is_clean {
                    let entries = std::mem::take(object).into_iter();
                    *object = entries.map(|(key, value)| (self.redact(&key).into_owned(), value)).collect();
                }
                object.values_mut().for_each(|value| self.redact_json(value));
            }
            _ => {}
        }
    }
}

fn add_forms(secret: &str, forms: &mut BTreeSet<String>) {
    let mut add = |form: String| {
        if form.len() >= MIN_BYTES {
            forms.insert(form);
        }
    };
    let quoted = in_json(secret);
    add(secret.to_owned());
    // Within a document that is itself a text of a document.
    add(in_json(&quoted));
    add(quoted.replace('/', "\\/"));
    add(ascii_json(&quoted));
    add(quoted);
    add(secret.escape_debug().to_string());
    add(secret.escape_default().to_string());
    for encode in [percent_upper, percent_lower, form_encoded, percent_path] {
        add(encode(secret));
    }
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        // In `user:secret` the secret starts at any of three places within a group of base64.
        for shift in 0..3 {
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(secret.as_bytes());
            let text = engine.encode(&bytes);
            let start = [0, 2, 3][shift];
            let end = bytes.len() * 8 / 6;
            if end > start {
                add(text[start..end].to_owned());
            }
        }
        add(engine.encode(secret));
    }
}

fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn ascii_json(quoted: &str) -> String {
    let mut out = String::new();
    for character in quoted.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            character
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

fn percent(text: &str, keep: &[u8], hex: fn(u8) -> String) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&hex(byte));
        }
    }
    out
}

fn percent_upper(text: &str) -> String {
    percent(text, b"-._~", |byte| format!("%{byte:02X}"))
}
fn percent_lower(text: &str) -> String {
    percent(text, b"-._~", |byte| format!("%{byte:02x}"))
}
fn form_encoded(text: &str) -> String {
    percent(text, b"-._* ", |byte| format!("%{byte:02X}")).replace(' ', "+")
}
/// What may stand in a path or in user-info without an escape.
fn percent_path(text: &str) -> String {
    percent(text, b"-._~!$&'()*+,;=", |byte| format!("%{byte:02X}"))
}
