//! `${env:NAME}` and `${file:PATH}` within texts; `$${` stands for `${`.

use dstream_abi::{Error, Result};
use std::io::Read;
use std::path::Path;

/// A secret in a file is a line or a key, no more.
const FILE_LIMIT_BYTES: u64 = 1 << 20;

/// Where references are looked up.
pub trait SecretSource {
    /// The value of an environment variable; `None`: it is not set.
    ///
    /// # Errors
    /// `Config`: its value is no text.
    fn env(&self, name: &str) -> Result<Option<String>>;

    /// The content of a file, and whether anybody on this machine may read it.
    ///
    /// # Errors
    /// `Config`: it cannot be read or is no text.
    fn file(&self, path: &str) -> Result<(String, bool)>;
}

/// The environment and the files of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSecrets;

impl SecretSource for SystemSecrets {
    fn env(&self, name: &str) -> Result<Option<String>> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::config(format!("the environment variable `{name}` is not UTF-8")))
            }
        }
    }

    fn file(&self, path: &str) -> Result<(String, bool)> {
        let shown = super::absolute(Path::new(path)).display().to_string();
        let failed = |error: std::io::Error| {
            Error::config(format!("the file `{shown}` cannot be read: {error}"))
                .hint("check the path within `${file:…}` and the mode of the file")
        };
        let file = std::fs::File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut content = String::new();
        file.take(FILE_LIMIT_BYTES + 1).read_to_string(&mut content).map_err(failed)?;
        if content.len() as u64 > FILE_LIMIT_BYTES {
            return Err(Error::config(format!("the file `{shown}` is larger than {FILE_LIMIT_BYTES} bytes")));
        }
        Ok((content, is_open_to_all(&metadata)))
    }
}

#[cfg(unix)]
fn is_open_to_all(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.is_file() && metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_: &std::fs::Metadata) -> bool {
    false
}

/// A text with its references replaced.
pub(super) struct Replaced {
    pub(super) text: String,
    /// The values that were put in.
    pub(super) values: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Whether anything in `text` is to be replaced.
pub(super) fn has_reference(text: &str) -> bool {
    text.contains("${")
}

/// Replaces the references in `text`; what they bring in is not looked at again. `path` names the key in errors.
pub(super) fn replace(text: &str, path: &str, source: &dyn SecretSource) -> Result<Replaced> {
    let mut out =
        Replaced { text: String::with_capacity(text.len()), values: Vec::new(), warnings: Vec::new() };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.text.push_str(&rest[..at]);
            out.text.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        out.text.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let Some(end) = inner.find('}') else {
            return Err(Error::config(format!("`{path}` has a `${{` without `}}`"))
                .hint("write `${env:NAME}` or `${file:PATH}`, and `$${` for the text `${`"));
        };
        let value = look_up(&inner[..end], path, source, &mut out.warnings)?;
        out.text.push_str(&value);
        out.values.push(value);
        rest = &inner[end + 1..];
    }
    out.text.push_str(rest);
    Ok(out)
}

fn look_up(
    reference: &str,
    path: &str,
    source: &dyn SecretSource,
    warnings: &mut Vec<String>,
) -> Result<String> {
    let for_key = |error: Error| error.context(format!("`{path}`"));
    match reference.split_once(':') {
        Some(("env", name)) if is_variable(name) => source.env(name).map_err(for_key)?.ok_or_else(|| {
            Error::config(format!("`{path}` needs the environment variable `{name}`, which is not set"))
                .hint(format!("set `{name}` before you start dstreams"))
        }),
        Some(("file", file)) if !file.is_empty() => {
            let (content, is_open) = source.file(file).map_err(for_key)?;
            if is_open {
                warnings.push(format!("`{path}`: every user of this machine may read the file `{file}`"));
            }
            Ok(content.trim_end_matches(['\r', '\n']).to_owned())
        }
        // What stands there may be a secret with an accident: only its first word is shown.
        other => {
            let word = other.map_or("", |(word, _)| word);
            Err(Error::config(format!("`{path}` has a reference of an unknown kind `{word}`"))
                .hint("write `${env:NAME}` or `${file:PATH}`, and `$${` for the text `${`"))
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
