//! Names with wildcards: `orders`, `ord*`, `public.*`.

use dstream_abi::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};

/// A name or a glob. A name that exists is that name, whatever characters it holds.
pub(super) struct Pattern<'a> {
    text: &'a str,
    glob: Option<GlobMatcher>,
}

impl<'a> Pattern<'a> {
    pub(super) fn new(text: &'a str) -> Result<Pattern<'a>> {
        if !text.contains(['*', '?', '[', '{', '\\']) {
            return Ok(Pattern { text, glob: None });
        }
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
        let glob = glob.map_err(|error| {
            Error::config(format!("`{text}` is no pattern: {}", error.kind())).hint(
                "`*` stands for any text, `?` for one character, `[a-c]` for one of them, `{a,b}` for either",
            )
        })?;
        Ok(Pattern { text, glob: Some(glob.compile_matcher()) })
    }

    /// It may stand for more than one name.
    pub(super) fn is_glob(&self) -> bool {
        self.glob.is_some()
    }

    /// The positions of the names it means: the one that is equal, else all that match.
    pub(super) fn hits<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> Vec<usize> {
        if let Some(equal) = names.clone().position(|name| name == self.text) {
            return vec![equal];
        }
        let Some(glob) = &self.glob else { return Vec::new() };
        names.enumerate().filter(|(_, name)| glob.is_match(name)).map(|(at, _)| at).collect()
    }
}
