//! The manifest, read out of a file. No code of the file runs.

use dstream_abi::manifest::{HEADER_BYTES, MAGIC, MAX_BYTES, Manifest, VERSION};
use dstream_abi::{ABI_DRAFT, ABI_MAJOR, AbiVersion, Error, Result};
use object::ReadRef;
use serde::Deserialize;
use std::collections::BTreeSet;

use super::image::{Claim, Image};

/// Zeros that a linker may put behind the text.
const MAX_PADDING: usize = 64 * 1024;

/// The text of the manifest, as it stands in the file.
///
/// # Errors
/// `Config`: there is none, or more than one, or its frame is damaged.
pub(crate) fn read_text<'data, R: ReadRef<'data>>(image: &Image, data: R) -> Result<&'data str> {
    let section = match image.manifests.as_slice() {
        [section] => section,
        [] => {
            return Err(Error::config("the file is not a DStream plugin: it has no manifest")
                .hint("an ordinary library beside the plugins is not used; take it away to silence this"));
        }
        several => return Err(defect(format!("it has {} manifests", several.len()))),
    };
    text_of_section(bytes_of(section, data)?)
}

fn bytes_of<'data, R: ReadRef<'data>>(section: &Claim, data: R) -> Result<&'data [u8]> {
    if section.size > (HEADER_BYTES + MAX_BYTES + MAX_PADDING) as u64 {
        return Err(defect(format!("its manifest has {} bytes, the limit is {MAX_BYTES}", section.size)));
    }
    data.read_bytes_at(section.offset, section.size)
        .map_err(|()| defect("the section of its manifest lies outside of the file".to_owned()))
}

fn text_of_section(section: &[u8]) -> Result<&str> {
    let number = |at: usize| section.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let (Some(version), Some(length)) = (number(16), number(20)) else {
        return Err(defect(format!("the section of its manifest has only {} bytes", section.len())));
    };
    if !section.starts_with(MAGIC) {
        return Err(defect("the section of its manifest does not start with `DSTREAM-MANIFEST`".to_owned()));
    }
    if version != VERSION {
        return Err(Error::unsupported(format!(
            "its manifest has format {version}, this program reads {VERSION}"
        ))
        .hint("use the `dstreams` that the plugin was made for"));
    }
    let length = length as usize;
    if length > MAX_BYTES {
        return Err(defect(format!("its manifest has {length} bytes, the limit is {MAX_BYTES}")));
    }
    let Some((text, rest)) = section[HEADER_BYTES..].split_at_checked(length) else {
        let found = section.len() - HEADER_BYTES;
        return Err(defect(format!("its manifest has {found} bytes and says that it has {length}")));
    };
    if rest.windows(MAGIC.len()).any(|window| window == MAGIC) {
        return Err(defect("it has 2 manifests in one section".to_owned()));
    }
    if rest.iter().any(|byte| *byte != 0) {
        return Err(defect("something stands behind its manifest in the same section".to_owned()));
    }
    std::str::from_utf8(text).map_err(|error| defect(format!("its manifest is not UTF-8: {error}")))
}

/// The contract that the manifest names, whatever else is in it.
///
/// # Errors
/// `Config`: it is not JSON, or names none.
pub(crate) fn read_abi(text: &str) -> Result<AbiVersion> {
    #[derive(Deserialize)]
    struct Head {
        abi: AbiVersion,
    }
    let head: Head = serde_json::from_str(text)
        .map_err(|error| defect(format!("its manifest cannot be read: {error}")))?;
    Ok(head.abi)
}

/// The plugin was built against the contract of this program.
///
/// # Errors
/// `Unsupported`: another major version, or another draft.
pub(crate) fn check_abi(abi: &AbiVersion) -> Result<()> {
    if abi.major != ABI_MAJOR {
        let hint = if abi.major > ABI_MAJOR {
            "install a newer `dstreams`, or an older version of the plugin"
        } else {
            "install a newer version of the plugin"
        };
        return Err(Error::unsupported(format!(
            "the plugin speaks ABI {}, this program speaks ABI {ABI_MAJOR}",
            abi.major
        ))
        .hint(hint));
    }
    if abi.draft != ABI_DRAFT {
        let name = |draft| match draft {
            0 => format!("the final ABI {ABI_MAJOR}"),
            draft => format!("draft {draft} of ABI {ABI_MAJOR}"),
        };
        return Err(Error::unsupported(format!(
            "the plugin speaks {}, this program speaks {}",
            name(abi.draft),
            name(ABI_DRAFT)
        ))
        .hint("build the plugin with the SDK of this `dstreams`: while the ABI is a draft, both carry the same one"));
    }
    Ok(())
}

/// The whole manifest.
///
/// # Errors
/// `Config`: it is not what a manifest is.
pub(crate) fn read_manifest(text: &str) -> Result<Manifest> {
    let manifest: Manifest = serde_json::from_str(text)
        .map_err(|error| defect(format!("its manifest cannot be read: {error}")))?;
    for (what, text) in [("id", &manifest.id), ("version", &manifest.version)] {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(defect(format!("its manifest has no usable `{what}`")));
        }
    }
    if manifest.connectors.is_empty() {
        return Err(defect("its manifest names no connector".to_owned()));
    }
    let mut seen = BTreeSet::new();
    for connector in &manifest.connectors {
        let name = &connector.type_name;
        // Capitals are against the contract too, but such a name is found below as a twin of the one in small letters.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(defect(format!(
                "its manifest names a connector `{}`: a type has letters, digits and `-` only",
                name.escape_debug()
            )));
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(defect(format!("its manifest names the connector `{name}` twice")));
        }
        if connector.tap.is_none() && connector.target.is_none() {
            return Err(defect(format!("its connector `{name}` is neither a tap nor a target")));
        }
    }
    Ok(manifest)
}

/// A manifest that its author has to mend.
fn defect(what: String) -> Error {
    Error::config(format!("the plugin was not built well: {what}"))
        .hint("ask whoever made the plugin for another build")
}

#[cfg(test)]
#[path = "manifest_file_tests.rs"]
mod tests;
