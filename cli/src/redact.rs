//! Secrets, out of every line that is printed.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Replaces the secrets in a text.
pub(crate) type Redactor = fn(&str) -> Cow<'_, str>;

static REDACTOR: OnceLock<Redactor> = OnceLock::new();

/// Every line printed from now on goes through `redactor`; the first one stays.
pub(crate) fn set_redactor(redactor: Redactor) {
    REDACTOR.get_or_init(|| redactor);
}

/// The text without secrets.
pub(crate) fn without_secrets(text: &str) -> Cow<'_, str> {
    REDACTOR.get().map_or(Cow::Borrowed(text), |redactor| redactor(text))
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
}
