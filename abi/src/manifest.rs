//! What a library says of itself before any of its code runs: JSON in a section of the file.

use serde::{Deserialize, Serialize};

/// First bytes of the section: magic, version, length, then the JSON.
pub const MAGIC: &[u8; 16] = b"DSTREAM-MANIFEST";
/// Version of the section's header.
pub const VERSION: u32 = 1;
/// Bytes before the JSON.
pub const HEADER_BYTES: usize = 24;
/// A larger manifest is refused.
pub const MAX_BYTES: usize = 1 << 20;
/// The section's name in an ELF file.
pub const ELF_SECTION: &str = ".dstream_manifest";
/// The section's name in a Mach-O file (segment `__DATA`).
pub const MACHO_SECTION: &str = "__dstream";
/// The section's name in a PE file.
pub const PE_SECTION: &str = ".dstream";

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Reverse domain name or crate name: who made it.
    pub id: String,
    /// The library's own version.
    pub version: String,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The contract it was built against.
    pub abi: AbiVersion,
    /// SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// The SDK it was written with, such as `rust/0.1.0`. Arrays of a Rust SDK are valid by construction; those of any
    /// other library are looked at value by value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// What it offers.
    pub connectors: Vec<ConnectorManifest>,
}

/// The contract a library was built against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbiVersion {
    /// Must be the host's.
    pub major: u32,
    /// Any.
    pub minor: u32,
    /// While above 0, must be the host's.
    #[serde(default)]
    pub draft: u32,
}

/// One connector of a library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectorManifest {
    /// The word in the user's config.
    #[serde(rename = "type")]
    pub type_name: String,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Present: it can be a tap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tap: Option<TapManifest>,
    /// Present: it can be a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetManifest>,
}

/// A connector in the role of a tap.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TapManifest {
    /// JSON Schema of `options`.
    pub options: serde_json::Value,
    /// Forms of `connection` it takes: `url`, `host`, `path`; empty: it needs none.
    #[serde(default)]
    pub connection: Vec<String>,
    /// Forms of `auth` it takes besides `none`.
    #[serde(default)]
    pub auth: Vec<String>,
    /// Reading on from a bookmark gives exactly the rest: no record twice, none missing.
    #[serde(default)]
    pub exact: bool,
    /// Two runs over the same source give the same records in the same order.
    #[serde(default)]
    pub deterministic: bool,
    /// Other claims, each tested by conformance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// A connector in the role of a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetManifest {
    /// JSON Schema of `options`, without those that every target has (`write_mode`, `table`).
    pub options: serde_json::Value,
    /// Forms of `connection` it takes: `url`, `host`, `path`; empty: it needs none.
    #[serde(default)]
    pub connection: Vec<String>,
    /// Forms of `auth` it takes besides `none`.
    #[serde(default)]
    pub auth: Vec<String>,
    /// The ways of writing it offers.
    pub write_modes: Vec<crate::WriteMode>,
    /// Rows and commit records become durable in one transaction, and older runs are fenced.
    #[serde(default)]
    pub transactional: bool,
    /// `Orders` and `orders` are one table.
    #[serde(default)]
    pub case_insensitive_names: bool,
    /// Other claims, each of which selects or leaves out cases of conformance. `discards_records`: no value is looked at
    /// or kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

/// The bytes of the section: `N` is [`HEADER_BYTES`] plus the length of `json`.
///
/// # Panics
/// At compile time, when `N` is another number.
pub const fn manifest_section<const N: usize>(json: &str) -> [u8; N] {
    let json = json.as_bytes();
    assert!(N == HEADER_BYTES + json.len());
    let mut out = [0; N];
    let mut at = 0;
    while at < MAGIC.len() {
        out[at] = MAGIC[at];
        at += 1;
    }
    let numbers = [VERSION.to_le_bytes(), (json.len() as u32).to_le_bytes()];
    while at < HEADER_BYTES {
        out[at] = numbers[(at - 16) / 4][(at - 16) % 4];
        at += 1;
    }
    while at < N {
        out[at] = json[at - HEADER_BYTES];
        at += 1;
    }
    out
}
