//! Secrets, out of every line that is printed.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use dstream_core::config::{Redactor, Secrets};

static HIDDEN: RwLock<Option<(Secrets, Redactor)>> = RwLock::new(None);

/// From now on no line shows these.
pub(crate) fn hide(secrets: &Secrets) {
    if secrets.is_empty() {
        return;
    }
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    let mut all = hidden.take().map(|(known, _)| known).unwrap_or_default();
    all.extend(secrets);
    let redactor = Redactor::new(&all);
    *hidden = Some((all, redactor));
}

/// The text without secrets.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    match &*HIDDEN.read().unwrap_or_else(PoisonError::into_inner) {
        Some((_, redactor)) => redactor.redact(text),
        None => Cow::Borrowed(text),
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
        hide(&secrets);
        assert_eq!(clean("denied: correct horse"), "denied: ***");
        secrets.add("battery staple");
        hide(&secrets);
        assert_eq!(clean("correct horse, battery staple"), "***, ***");
    }
}
