//! Streams that the user names, each with the patterns of its files.

use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Component, Path};

use dstream_sdk::{Error, Result};

use super::found::{self, Found, FoundStream};
use super::tree::{Kind, Tree};
use crate::shown::quoted;

/// What the user writes of one stream.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Globs {
    /// One pattern.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// The patterns of all streams.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    stream: String,
    written: String,
    glob: GlobMatcher,
    /// It names no kind of file: those of the format are meant.
    is_open: bool,
}

impl Patterns {
    /// # Errors
    /// `Config`: one is no pattern of files beneath a folder, or a stream has none.
    pub(crate) fn new(written: BTreeMap<String, Globs>) -> Result<Patterns> {
        let mut patterns = Vec::new();
        for (stream, globs) in written {
            let globs = match globs {
                Globs::One(glob) => vec![glob],
                Globs::Many(globs) => globs,
            };
            if stream.is_empty() || globs.is_empty() {
                return Err(Error::config(format!(
                    "`streams` has {} for the stream {}",
                    if globs.is_empty() { "no pattern" } else { "patterns" },
                    quoted(stream.as_bytes())
                ))
                .hint("write `\"streams\": {\"orders\": \"orders_*.csv\"}`"));
            }
            for glob in globs {
                patterns.push(Pattern::new(&stream, glob)?);
            }
        }
        Ok(Patterns(patterns))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The streams, with their files beneath `folder`.
    ///
    /// # Errors
    /// `Config`: a file belongs to two streams. `NotFound`: a pattern matches no file.
    pub(super) fn streams(&self, tree: &Tree, folder: &Path, endings: &[&str]) -> Result<Vec<FoundStream>> {
        if tree.kind(folder)? != Some(Kind::Folder) {
            let place = tree.shown(folder);
            return Err(Error::config(format!(
                "`streams` names files beneath `path`, and `{place}` is no folder"
            ))
            .hint("set `path` to the folder that has all of them"));
        }
        let mut streams: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
        let mut is_used = vec![false; self.0.len()];
        found::walk(tree, folder, &mut |path| {
            let beneath = path.strip_prefix(folder).unwrap_or(path);
            let mut of: Option<&Pattern> = None;
            for (pattern, is_used) in self.0.iter().zip(&mut is_used) {
                if !pattern.glob.is_match(beneath) || (pattern.is_open && !found::has_ending(path, endings)) {
                    continue;
                }
                *is_used = true;
                match of {
                    Some(other) if other.stream != pattern.stream => {
                        return Err(in_two(&tree.shown(path), other, pattern));
                    }
                    _ => of = Some(pattern),
                }
            }
            if let Some(pattern) = of {
                let name = found::name_beneath(folder, path)?;
                streams.entry(&pattern.stream).or_default().push(tree.found(path, name, true)?);
            }
            Ok(())
        })?;
        if let Some((pattern, _)) = self.0.iter().zip(&is_used).find(|(_, is_used)| !**is_used) {
            let place = tree.shown(folder);
            return Err(Error::not_found(format!(
                "no file beneath `{place}` matches {} of the stream {}",
                quoted(pattern.written.as_bytes()),
                quoted(pattern.stream.as_bytes())
            ))
            .hint("look at the pattern; `*` stays within one folder, `**` goes through any number of them"));
        }
        let whole = |(stream, files): (&str, Vec<Found>)| {
            Ok(FoundStream { stream: stream.to_owned(), files: found::in_order(files)? })
        };
        streams.into_iter().map(whole).collect()
    }
}

impl Pattern {
    fn new(stream: &str, written: String) -> Result<Pattern> {
        let broken = |reason: &dyn std::fmt::Display| {
            let (pattern, stream) = (quoted(written.as_bytes()), quoted(stream.as_bytes()));
            Error::config(format!("`streams` has the pattern {pattern} for the stream {stream}: {reason}"))
                .hint("write it as files are named beneath `path`, such as `2024/*.csv`")
        };
        let path = Path::new(&written);
        let parts: Vec<Component<'_>> = path.components().filter(|part| *part != Component::CurDir).collect();
        if parts.iter().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(broken(&"it leads out of the folder"));
        }
        let Some(Component::Normal(last)) = parts.last() else { return Err(broken(&"it is empty")) };
        let is_open = last.to_string_lossy().chars().all(|letter| letter == '*');
        let text = parts.iter().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let glob =
            GlobBuilder::new(&text).literal_separator(true).build().map_err(|error| broken(error.kind()))?;
        Ok(Pattern { stream: stream.to_owned(), glob: glob.compile_matcher(), is_open, written })
    }
}

fn in_two(path: &str, one: &Pattern, other: &Pattern) -> Error {
    let [one, other] = [one, other].map(|pattern| {
        format!("{} ({})", quoted(pattern.stream.as_bytes()), quoted(pattern.written.as_bytes()))
    });
    Error::config(format!("`{}` is matched by two streams: {one} and {other}", path))
        .hint("make the patterns of `streams` narrower, so that a file belongs to one stream")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use dstream_sdk::{Error, ErrorKind, Tap};

    use crate::csv::Csv;
    use crate::testing::{Folder, columns, try_tap};

    fn folder() -> Folder {
        let folder = Folder::new();
        for name in [
            "orders_1.csv",
            "orders_2.csv.gz",
            "2024/e.csv",
            "2025/e.csv",
            "2025/.h.csv",
            "2025/_tmp.csv",
            "2025/x.txt",
            "p/year=2013/a.csv",
            "p/year=2014/a.csv",
        ] {
            folder.write(name, "a\n1\n");
        }
        folder
    }

    fn found(folder: &Folder, streams: Value) -> Vec<(String, Option<u64>)> {
        let catalog = folder.csv("", json!({"streams": streams})).discover().unwrap();
        catalog.streams.into_iter().map(|stream| (stream.name, stream.row_count)).collect()
    }

    fn error_of(folder: &Folder, path: &str, streams: Value) -> Error {
        let path = folder.path(path);
        let tap = try_tap::<Csv>(json!({"path": path.to_str().unwrap()}), json!({"streams": streams}));
        tap.and_then(|tap| tap.discover()).unwrap_err()
    }

    #[test]
    fn each_stream_has_the_files_of_its_patterns() {
        let streams =
            json!({"orders": "orders_*", "events": ["2024/*.csv", "./2025/*"], "all.p": "p/**/*.csv"});
        let of = |name: &str, rows| (name.to_owned(), Some(rows));
        assert_eq!(found(&folder(), streams), [of("all.p", 2), of("events", 2), of("orders", 2)]);
        // Two patterns of one stream may match one file.
        assert_eq!(found(&folder(), json!({"e": ["2024/*.csv", "2024/e.*"]})), [of("e", 1)]);
    }

    #[test]
    fn folders_beneath_a_pattern_are_columns() {
        let folder = folder();
        let tap = folder.csv("", json!({"streams": {"p": "p/**/*.csv"}}));
        assert_eq!(columns(&tap), ["a: int64", "year: int64"]);
    }

    #[test]
    fn a_file_of_two_streams_is_an_error_that_names_both() {
        let error = error_of(&folder(), "", json!({"orders": "orders_*.csv*", "one": "orders_1.csv"}));
        assert_eq!(error.kind(), ErrorKind::Config);
        let message = error.message();
        assert!(
            message.contains("orders_1.csv` is matched by two streams: `one` (`orders_1.csv`) and `orders`"),
            "{message}"
        );
    }

    #[test]
    fn a_pattern_that_matches_nothing_is_named() {
        for pattern in ["none/*.csv", "*.jsonl", "2025/.h.csv", "2025/_tmp.csv"] {
            let error = error_of(&folder(), "", json!({"o": "orders_*", "x": pattern}));
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.message().ends_with(&format!("matches `{pattern}` of the stream `x`")), "{error}");
        }
    }

    #[test]
    fn patterns_that_cannot_be_meant_are_refused() {
        for streams in [
            json!({"x": "../*.csv"}),
            json!({"x": "/etc/*"}),
            json!({"x": "a/../../b"}),
            json!({"x": ""}),
            json!({"x": "."}),
            json!({"x": "[a"}),
            json!({"x": []}),
            json!({"": "*.csv"}),
            json!({"x": 1}),
        ] {
            assert_eq!(error_of(&folder(), "", streams.clone()).kind(), ErrorKind::Config, "{streams}");
        }
        for path in ["orders_1.csv", "*.csv"] {
            let error = error_of(&folder(), path, json!({"x": "*.csv"}));
            assert!(error.message().ends_with("is no folder"), "{error}");
        }
    }
}
