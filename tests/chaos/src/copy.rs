//! Rows in PostgreSQL's text format, by way of psql.

use anyhow::Result;
use dstream_postgres_server::Database;

/// Appends a field.
pub(crate) fn write(value: Option<&str>, out: &mut String) {
    let Some(value) = value else {
        out.push_str("\\N");
        return;
    };
    for letter in value.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
}

/// Shows the rows of a query to `visit`, one after the other.
///
/// # Errors
/// What the server says, or `visit`.
pub(crate) fn read(
    database: &Database,
    query: &str,
    visit: &mut dyn FnMut(&[Option<String>]) -> Result<()>,
) -> Result<()> {
    let text = database.psql(&format!("copy ({query}) to stdout"))?;
    let mut fields = Vec::new();
    // A row without a column, or one column of empty text, is not asked for.
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        fields.clear();
        fields.extend(line.split('\t').map(field));
        visit(&fields)?;
    }
    Ok(())
}

fn field(text: &str) -> Option<String> {
    if text == "\\N" {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(match (letter, letter == '\\') {
            (_, false) => letter,
            (_, true) => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('v') => '\u{b}',
                Some(other) => other,
                None => letter,
            },
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in ["", "a\tb\\N\r\n", "\\", "\\N", "漢字 🦀", "\\t"] {
            let mut out = String::new();
            write(Some(text), &mut out);
            assert_eq!(field(&out).as_deref(), Some(text));
        }
        let mut out = String::new();
        write(None, &mut out);
        assert_eq!(field(&out), None);
    }
}
