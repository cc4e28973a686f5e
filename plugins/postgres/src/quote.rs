//! Names and texts on their way into SQL: the one place that quotes.

use dstream_sdk::{Error, Result};

/// Bytes of a name that the server keeps; what is longer it would cut off with a notice.
pub(crate) const MAX_NAME_BYTES: usize = 63;

/// The name as an SQL identifier, whatever it holds.
///
/// # Errors
/// `Schema`: it is empty, holds NUL, or is longer than the server keeps.
pub(crate) fn quote(name: &str) -> Result<String> {
    let wrong = match name {
        "" => "is empty",
        name if name.contains('\0') => "holds NUL",
        name if name.len() > MAX_NAME_BYTES => "has more than the 63 bytes that the server keeps of a name",
        name => return Ok(format!("\"{}\"", name.replace('"', "\"\""))),
    };
    Err(Error::schema(format!("the name `{}` {wrong}", name.escape_debug()))
        .hint("rename it in the source, or choose another name with the option `table`"))
}

/// The text as an SQL literal, whatever the server's settings.
///
/// # Errors
/// `Schema`: it holds NUL.
pub(crate) fn literal(text: &str) -> Result<String> {
    if text.contains('\0') {
        return Err(Error::schema(format!("the text `{}` holds NUL", text.escape_debug())));
    }
    // With E, backslashes escape in every setting; without one the plain form says the same.
    match text.contains('\\') {
        true => Ok(format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))),
        false => Ok(format!("'{}'", text.replace('\'', "''"))),
    }
}

#[cfg(test)]
mod tests;
