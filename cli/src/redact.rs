//! Secrets, out of every line that is printed.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError, RwLock};

use dstream_core::config::{Redactor, Secrets};

/// Every secret that was looked up.
static SECRETS: Mutex<Option<Secrets>> = Mutex::new(None);
static REDACTOR: RwLock<Option<Redactor>> = RwLock::new(None);

/// No line printed from now on shows any of these.
pub(crate) fn add_secrets(secrets: &Secrets) {
    let mut all = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    all.extend(secrets);
    *REDACTOR.write().unwrap_or_else(PoisonError::into_inner) = Some(Redactor::new(all));
}

/// The text without secrets.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    match REDACTOR.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
        Some(redactor) => Cow::Owned(redactor.redact(text).into_owned()),
        None => Cow::Borrowed(text),
    }
}

/// The document without secrets; its form and its numbers stay.
pub(crate) fn without_secrets_json(value: &mut serde_json::Value) {
    if let Some(redactor) = REDACTOR.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
        redactor.redact_json(value);
    }
}

/// The text without secrets, and without the control characters that a hostile name could use to steer a terminal.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let text = without_secrets(text);
    if !text.chars().any(steers) {
        return text;
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) { safe.extend(character.escape_debug()) } else { safe.push(character) }
    }
    Cow::Owned(safe)
}

/// Control characters but line feed and tab, and those that turn the direction of writing.
fn steers(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\r"), "a\\u{1b}[2Jb\\r");
        assert_eq!(clean("a\n\tb é"), "a\n\tb é");
    }

    #[test]
    fn no_line_shows_a_secret() {
        let mut secrets = Secrets::default();
        secrets.add("correct horse");
        add_secrets(&secrets);
        assert_eq!(clean("denied: correct horse"), "denied: ***");
        let mut more = Secrets::default();
        more.add("battery staple");
        add_secrets(&more);
        assert_eq!(clean("correct horse, battery staple"), "***, ***");
    }
}
