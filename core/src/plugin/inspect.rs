//! Every check that runs no code of the file, in order. Listing, loading and `plugin verify` all go through here.

use std::path::Path;

use dstream_abi::{Error, Manifest, Result};
use object::read::ReadCache;

use super::file::PluginFile;
use super::image::{self, Image};
use super::verify::{Check, Outcome};
use super::{manifest_file, trust, trust::Trust, whole};

/// The names of the checks.
pub(crate) mod name {
    pub(crate) const FILE: &str = "is a regular file";
    pub(crate) const LIBRARY: &str = "is a library";
    pub(crate) const WHOLE: &str = "is whole";
    pub(crate) const PLATFORM: &str = "is for this machine";
    pub(crate) const MANIFEST: &str = "has a manifest";
    pub(crate) const ABI: &str = "speaks this ABI";
    pub(crate) const CONNECTORS: &str = "says what it offers";
    pub(crate) const TRUST: &str = "is trusted";
    pub(crate) const ALL: [&str; 8] = [FILE, LIBRARY, WHOLE, PLATFORM, MANIFEST, ABI, CONNECTORS, TRUST];
}

/// What is known of a file without running it.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    /// The outcome of every check, in the order of [`name::ALL`].
    pub(crate) checks: Vec<Check>,
    /// The file, where it could be opened.
    pub(crate) file: Option<PluginFile>,
    /// The text of the manifest, as it stands in the file.
    pub(crate) text: Option<String>,
    /// What it says; also known of many files that cannot be used.
    pub(crate) manifest: Option<Manifest>,
    /// See [`Image::needs_own_path`].
    pub(crate) needs_own_path: bool,
}

impl Inspection {
    /// Looks at the file.
    pub(crate) fn of(path: &Path, trust: Trust) -> Inspection {
        let mut seen = Inspection::default();
        seen.look_inside(path);
        for name in name::ALL.iter().filter(|name| **name != name::TRUST) {
            if seen.checks.iter().all(|check| check.name != *name) {
                seen.checks.push(Check { name, outcome: Outcome::Skipped });
            }
        }
        // Last: it is said of a file that is otherwise fine.
        if trust == Trust::AllowInsecure {
            seen.checks
                .push(Check { name: name::TRUST, outcome: Outcome::Passed("not asked for".to_owned()) });
        } else if seen.file.is_some() {
            let outcome = trust::check_trust(path).and_then(|id| match &seen.file {
                Some(file) if file.id == id => Ok(()),
                _ => Err(Error::denied("the file was replaced while it was looked at").hint("try again")),
            });
            seen.note(name::TRUST, outcome.map(|()| ((), String::new())));
        } else {
            seen.checks.push(Check { name: name::TRUST, outcome: Outcome::Skipped });
        }
        seen
    }

    /// Runs the checks of the file's content; the first that fails ends them, where the next cannot do without it.
    fn look_inside(&mut self, path: &Path) {
        let file = PluginFile::open(path).map(|file| {
            let detail = format!("{} bytes", file.bytes);
            (file, detail)
        });
        if let Some(file) = self.note(name::FILE, file) {
            self.look_at(&file);
            self.file = Some(file);
        }
    }

    fn look_at(&mut self, file: &PluginFile) -> Option<()> {
        let data = &ReadCache::new(&file.file);
        let image = self.note(
            name::LIBRARY,
            Image::parse(data).map(|image| {
                let detail = format!("{} on {}", image.system, image.machine);
                (image, detail)
            }),
        )?;
        self.note(
            name::WHOLE,
            whole::check_whole(&image, file.bytes)
                .map(|()| ((), format!("{} ranges inside of the file", image.claims.len()))),
        )?;
        self.needs_own_path = image.needs_own_path;
        // A library for another machine still has a manifest that can be listed.
        self.note(name::PLATFORM, image::check_platform(&image).map(|()| ((), String::new())));
        let text = self.note(
            name::MANIFEST,
            manifest_file::read_text(&image, data).map(|text| (text, format!("{} bytes", text.len()))),
        )?;
        self.text = Some(text.to_owned());
        let abi = manifest_file::read_abi(text).and_then(|abi| {
            manifest_file::check_abi(&abi)?;
            Ok(((), format!("{}.{}, draft {}", abi.major, abi.minor, abi.draft)))
        });
        if self.note(name::ABI, abi).is_none() {
            // Another ABI may write its manifest in another way: what can be read is listed, the rest is no defect.
            self.manifest = serde_json::from_str(text).ok();
            return None;
        }
        let manifest = manifest_file::read_manifest(text).map(|manifest| {
            let types: Vec<_> = manifest.connectors.iter().map(|connector| &*connector.type_name).collect();
            let types = types.join(", ");
            (manifest, types)
        });
        self.manifest = self.note(name::CONNECTORS, manifest);
        Some(())
    }

    fn note<T>(&mut self, name: &'static str, outcome: Result<(T, String)>) -> Option<T> {
        let (value, outcome) = match outcome {
            Ok((value, detail)) => (Some(value), Outcome::Passed(detail)),
            Err(error) => (None, Outcome::Failed(error)),
        };
        self.checks.push(Check { name, outcome });
        value
    }

    /// The first check that failed, with its name.
    pub(crate) fn failure(&self) -> Option<(&'static str, &Error)> {
        self.checks.iter().find_map(|check| match &check.outcome {
            Outcome::Failed(error) => Some((check.name, error)),
            _ => None,
        })
    }
}
