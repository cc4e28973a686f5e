//! A line of JSON, as it is written: all digits of its numbers.

use anyhow::{Context, Result, bail};

use crate::value::Found;

/// The members of an object without objects and lists in it, in their order.
///
/// # Errors
/// It is not such an object.
pub(super) fn members(line: &str) -> Result<Vec<(String, Found)>> {
    // All of the grammar is somebody else's to know.
    serde_json::from_str::<serde_json::Value>(line).with_context(|| format!("no JSON: {line:.200}"))?;
    let mut rest = line.trim().strip_prefix('{').context("no object")?.trim_start();
    let mut members = Vec::new();
    while !rest.starts_with('}') {
        let (key, after) = text(rest)?;
        rest = after.trim_start().strip_prefix(':').context("a key without a value")?.trim_start();
        let (found, after) = match rest.starts_with('"') {
            true => text(rest).map(|(text, after)| (Found::Text(Some(text)), after))?,
            false => bare(rest)?,
        };
        members.push((key, found));
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Ok(members)
}

/// The text that `rest` begins with, and what comes behind.
fn text(rest: &str) -> Result<(String, &str)> {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, letter)| {
        let is_end = *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        is_end
    });
    let (text, after) = rest.split_at(end.context("a text without an end")?.0 + 1);
    Ok((serde_json::from_str(text)?, after))
}

/// A number, a truth value or nothing.
fn bare(rest: &str) -> Result<(Found, &str)> {
    let (token, after) = rest.split_at(rest.find([',', '}']).context("a value without an end")?);
    let found = match token.trim_end() {
        "null" => Found::Text(None),
        token if token.starts_with(['{', '[']) => bail!("a value of many: {token}"),
        token => Found::Bare(token.to_owned()),
    };
    Ok((found, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_all_digits_and_texts_are_texts() {
        let line =
            r#"{"a":-0.0, "b" : 123456789012345678901234567890,"c":"x\"},\\","d":null,"e":true,"f":""}"#;
        let found = members(line).expect("an object");
        let (bare, text) =
            (|text: &str| Found::Bare(text.to_owned()), |text: &str| Found::Text(Some(text.to_owned())));
        let wanted = [
            ("a", bare("-0.0")),
            ("b", bare("123456789012345678901234567890")),
            ("c", text("x\"},\\")),
            ("d", Found::Text(None)),
            ("e", bare("true")),
            ("f", text("")),
        ];
        assert_eq!(found, wanted.map(|(key, found)| (key.to_owned(), found)));
        assert_eq!(members("{}").expect("an object"), []);
    }

    #[test]
    fn what_is_cut_is_an_error() {
        for line in ["", "{", r#"{"a":1"#, r#"{"a":"x}"#, r#"{"a":[1]}"#, "[]", r#"{"a":1}}"#] {
            assert!(members(line).is_err(), "{line}");
        }
    }
}
