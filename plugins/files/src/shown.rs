//! Names and values of strangers in messages: control characters are shown, not sent to the terminal.

use std::path::Path;

/// A path.
pub(crate) fn shown(path: &Path) -> String {
    printable(path.to_string_lossy().chars())
}

/// A value in backticks, cut where it is long.
pub(crate) fn quoted(value: &[u8]) -> String {
    const LONGEST: usize = 80;
    let text = String::from_utf8_lossy(&value[..value.len().min(LONGEST * 4)]);
    let cut = if text.chars().count() > LONGEST { " …" } else { "" };
    format!("`{}`{cut}", printable(text.chars().take(LONGEST)))
}

/// Characters that do no harm on a terminal.
pub(crate) fn printable(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for character in characters {
        match character.is_control() {
            true => text.extend(character.escape_default()),
            false => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_cannot_speak_to_the_terminal() {
        assert_eq!(shown(Path::new("a\u{1b}[2J\n'b'.csv")), "a\\u{1b}[2J\\n'b'.csv");
        assert_eq!(quoted("\u{e4}\r\"".as_bytes()), "`\u{e4}\\r\"`");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted("\u{e4}".repeat(1000).as_bytes()), format!("`{}` …", "\u{e4}".repeat(80)));
    }
}
