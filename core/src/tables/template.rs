//! The name of a table, made from that of a stream.

use dstream_abi::{Error, Result};
use std::str::FromStr;

use crate::config::hint_for;

const PLACEHOLDERS: &[&str] = &["stream", "schema", "table"];

/// A pattern such as `raw_{table}`. `{{` and `}}` stand for braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Stream,
    Schema,
    Table,
}

impl Template {
    /// Without any word of the user.
    pub const DEFAULT: &'static str = "{table}";

    /// Reads it.
    ///
    /// # Errors
    /// `Config`: an unknown placeholder, a brace without its other half, nothing at all.
    pub fn parse(text: &str) -> Result<Template> {
        let wrong = |message: String| Error::config(format!("`options.table`: {message}"));
        let hint = "placeholders are `{stream}`, `{schema}` and `{table}`; `{{` stands for a brace";
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(wrong(format!("a `{brace}` stands alone in `{text}`")).hint(hint));
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(match name {
                "stream" => Part::Stream,
                "schema" => Part::Schema,
                "table" => Part::Table,
                _ => {
                    return Err(wrong(format!("there is no placeholder `{{{name}}}`")).hint(hint_for(
                        "placeholders",
                        name,
                        PLACEHOLDERS.iter().copied(),
                    )));
                }
            });
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        if parts.is_empty() {
            return Err(wrong("it is empty".to_owned()).hint(hint));
        }
        Ok(Template(parts))
    }

    /// The table of a stream.
    ///
    /// # Errors
    /// `Config`: the name has no part for a placeholder, or the table would have no name.
    pub fn table_of(&self, stream: &str) -> Result<String> {
        let (schema, table) = stream.rsplit_once('.').unwrap_or(("", stream));
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Stream => name.push_str(stream),
                Part::Table => name.push_str(table),
                Part::Schema if schema.is_empty() => {
                    return Err(Error::config(
                        "`options.table` has `{schema}`, but the stream's name has no part before a dot",
                    )
                    .stream(stream)
                    .hint("use `{stream}`, which every stream has"));
                }
                Part::Schema => name.push_str(schema),
            }
        }
        if name.trim().is_empty() {
            return Err(Error::config("its table would have no name")
                .stream(stream)
                .hint("set `table` under `options` of the target, as in `\"table\": \"{stream}\"`"));
        }
        Ok(name)
    }
}

impl Default for Template {
    fn default() -> Template {
        Template(vec![Part::Table])
    }
}

impl FromStr for Template {
    type Err = Error;

    fn from_str(text: &str) -> Result<Template> {
        Template::parse(text)
    }
}
