//! All plugins of all places, and the way from a type and a role to the one file that offers it. Scanning runs no code
//! of any file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dstream_abi::{ConnectorManifest, Error, Manifest, Result};

use super::inspect::{Inspection, name};
use super::library::Library;
use super::search::{SearchPath, Source};
use super::trust::Trust;

/// Extensions of shared libraries, of any system: that for another one is listed too, with the reason.
const EXTENSIONS: [&str; 3] = ["so", "dylib", "dll"];

/// A connector's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads.
    Tap,
    /// Writes.
    Target,
}

impl Role {
    fn is_offered(self, connector: &ConnectorManifest) -> bool {
        match self {
            Role::Tap => connector.tap.is_some(),
            Role::Target => connector.target.is_some(),
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Tap => "tap",
            Role::Target => "target",
        })
    }
}

/// Whether a file's code may run.
#[derive(Clone, Debug)]
pub enum Status {
    /// Every check holds.
    Usable,
    /// Somebody else may have changed it; the error says who, and what to do.
    Untrusted(Error),
    /// It cannot be used on this machine by this program.
    Refused(Error),
}

/// One file that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The name it was found under.
    pub path: PathBuf,
    /// Who named its folder.
    pub source: Source,
    /// What it says of itself, where that can be read: also of files whose code may not run.
    pub manifest: Option<Manifest>,
    /// Whether its code may run.
    pub status: Status,
}

impl Found {
    /// The connector of this name and role, in any case of letters.
    fn offer(&self, type_name: &str, role: Role) -> Option<&ConnectorManifest> {
        self.connectors(role).find(|connector| connector.type_name.eq_ignore_ascii_case(type_name))
    }

    /// The connectors with this role.
    pub fn connectors(&self, role: Role) -> impl Iterator<Item = &ConnectorManifest> {
        let connectors = self.manifest.iter().flat_map(|manifest| &manifest.connectors);
        connectors.filter(move |connector| role.is_offered(connector))
    }

    /// Why its code may not run.
    pub fn problem(&self) -> Option<&Error> {
        match &self.status {
            Status::Usable => None,
            Status::Untrusted(error) | Status::Refused(error) => Some(error),
        }
    }
}

/// What was found at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceState {
    /// So many libraries.
    Searched(usize),
    /// There is no such folder.
    Missing,
    /// The folder cannot be read.
    Unreadable(String),
}

/// A folder that was looked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchedPlace {
    /// The folder.
    pub folder: PathBuf,
    /// Who named it.
    pub source: Source,
    /// What was found.
    pub state: PlaceState,
}

impl std::fmt::Display for SearchedPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.folder.display())?;
        match &self.state {
            PlaceState::Searched(0) => f.write_str(" (empty)"),
            PlaceState::Searched(_) => Ok(()),
            PlaceState::Missing => f.write_str(" (not there)"),
            PlaceState::Unreadable(why) => write!(f, " ({why})"),
        }
    }
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Registry {
    trust: Trust,
    places: Vec<SearchedPlace>,
    found: Vec<Found>,
}

impl Registry {
    /// Looks at every library of every place. A file that is there under several names counts once.
    pub fn scan(search: &SearchPath, trust: Trust) -> Registry {
        let mut registry = Registry { trust, places: Vec::new(), found: Vec::new() };
        let mut seen = HashSet::new();
        for place in &search.places {
            let state = match libraries_in(&place.folder) {
                Ok(paths) => {
                    for path in &paths {
                        let inspection = Inspection::of(path, trust);
                        let is_new = inspection.file.as_ref().is_none_or(|file| seen.insert(file.id.clone()));
                        if is_new {
                            registry.found.push(judged(path, place.source, inspection));
                        }
                    }
                    PlaceState::Searched(paths.len())
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => PlaceState::Missing,
                Err(error) => PlaceState::Unreadable(error.to_string()),
            };
            registry.places.push(SearchedPlace { folder: place.folder.clone(), source: place.source, state });
        }
        registry
    }

    /// Every file, also those that cannot be used.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// Every folder that was looked in.
    pub fn places(&self) -> &[SearchedPlace] {
        &self.places
    }

    /// The file that offers `type_name` in this role.
    ///
    /// # Errors
    /// `NotFound`: no file does; every place that was searched is named. `Config`: more than one does. `Denied`: the one
    /// that does is not trusted. `Unsupported`: the one that does is for another machine or ABI.
    pub fn find(&self, type_name: &str, role: Role) -> Result<&Found> {
        let offers: Vec<_> =
            self.found.iter().filter(|found| found.offer(type_name, role).is_some()).collect();
        let usable: Vec<_> = offers.iter().filter(|found| found.problem().is_none()).collect();
        match usable.as_slice() {
            [] => {}
            [found] if found.offer(type_name, role).is_some_and(|offer| offer.type_name == type_name) => {
                return Ok(found);
            }
            [_] => return Err(self.nothing_offers(type_name, role)),
            several => return Err(provided_twice(type_name, role, several)),
        }
        let Some(found) = offers.first() else { return Err(self.nothing_offers(type_name, role)) };
        let path = found.path.display();
        Err(match &found.status {
            Status::Usable => Error::bug("a usable plugin was left out"),
            Status::Untrusted(error) => error
                .clone()
                .context(format!("the {role} `{type_name}` is in `{path}`, which is not trusted")),
            Status::Refused(error) => error
                .clone()
                .context(format!("the {role} `{type_name}` is in `{path}`, which cannot be used")),
        })
    }

    /// Opens the library that offers `type_name` in this role.
    ///
    /// # Errors
    /// As [`Registry::find`] and [`Library::open`].
    pub fn open(&self, type_name: &str, role: Role) -> Result<Arc<Library>> {
        Library::open(&self.find(type_name, role)?.path, self.trust)
    }

    fn nothing_offers(&self, type_name: &str, role: Role) -> Error {
        let places: Vec<_> = self.places.iter().map(SearchedPlace::to_string).collect();
        let refused = self.found.iter().filter(|found| found.problem().is_some()).count();
        let mut message =
            format!("no plugin offers the {role} `{type_name}`; searched {}", places.join(", "));
        match refused {
            0 => {}
            1 => message.push_str("; 1 file there cannot be used"),
            many => message.push_str(&format!("; {many} files there cannot be used")),
        }
        let error = Error::not_found(message);
        let other = if role == Role::Tap { Role::Target } else { Role::Tap };
        if self.found.iter().any(|found| found.offer(type_name, other).is_some()) {
            return error.hint(format!("`{type_name}` is a {other}, not a {role}"));
        }
        match self.nearest(type_name, role) {
            Some(name) => {
                error.hint(format!("did you mean `{name}`? `dstreams plugin list` shows every type"))
            }
            None if refused > 0 => error.hint("`dstreams plugin list` says why a file cannot be used"),
            None => {
                error.hint("put the plugin in one of these folders, or name its folder with `--plugin-dir`")
            }
        }
    }

    /// The known type whose name looks most like `type_name`.
    fn nearest(&self, type_name: &str, role: Role) -> Option<&str> {
        let wanted = type_name.to_ascii_lowercase();
        let known = self.found.iter().filter(|found| found.problem().is_none());
        let known: Vec<&str> =
            known.flat_map(|found| found.connectors(role)).map(|found| found.type_name.as_str()).collect();
        let mistyped = crate::config::nearest(type_name, known.iter().copied());
        let alike = known
            .into_iter()
            .map(|known| (strsim::jaro_winkler(&wanted, &known.to_ascii_lowercase()), known))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|left, right| left.0.total_cmp(&right.0))
            .map(|(_, known)| known);
        mistyped.or(alike)
    }
}

fn libraries_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            paths.push(path);
        }
    }
    // Listings are the same on every file system.
    paths.sort();
    Ok(paths)
}

fn judged(path: &Path, source: Source, inspection: Inspection) -> Found {
    let status = match inspection.failure() {
        None => Status::Usable,
        Some((name::TRUST, error)) => Status::Untrusted(error.clone()),
        Some((_, error)) => Status::Refused(error.clone()),
    };
    Found { path: path.to_owned(), source, manifest: inspection.manifest, status }
}

fn provided_twice(type_name: &str, role: Role, several: &[&&Found]) -> Error {
    let files: Vec<_> = several
        .iter()
        .map(|found| match found.offer(type_name, role) {
            Some(offer) if offer.type_name != type_name => {
                format!("`{}` (as `{}`)", found.path.display(), offer.type_name)
            }
            _ => format!("`{}`", found.path.display()),
        })
        .collect();
    Error::config(format!("the {role} `{type_name}` is offered by {}", files.join(" and by ")))
        .hint("take away all of these files but one: the order of folders decides nothing")
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
