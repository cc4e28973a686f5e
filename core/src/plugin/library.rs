//! A library in this process: the decision to trust a file, and the only unsafe block of this crate.
//!
//! A library is opened once per process and never unloaded: threads, thread-local values and release callbacks of its
//! code live on after everything of it is closed (docs/guarantees.md).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dstream_abi::import::Plugin;
use dstream_abi::raw::{ENTRY_V1, EntryV1};
use dstream_abi::{ABI_MAJOR, ConnectorConfig, Context, Error, Manifest, Result, Tap, Target};

use super::file::{FileId, PluginFile};
use super::inspect::Inspection;
use super::trust::Trust;

/// A library that was loaded and entered.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    manifest: Manifest,
    plugin: Plugin,
}

/// What came of loading a file. It holds for the rest of the process: the code of the file is mapped, or was tried.
struct Loaded {
    /// Stays open: while it is, no other file gets its inode or, on Linux, the name it was loaded by. The loader would
    /// answer with this library for either.
    _file: PluginFile,
    outcome: Result<Arc<Library>>,
}

/// One entry per file. The lock is held while a library loads, so two threads load it once.
fn loaded() -> MutexGuard<'static, HashMap<FileId, Loaded>> {
    static LOADED: LazyLock<Mutex<HashMap<FileId, Loaded>>> = LazyLock::new(Mutex::default);
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Library {
    /// Loads the library, or hands out the one that is loaded already. Everything is checked again, on the very file
    /// that is then loaded.
    ///
    /// # Errors
    /// `Denied`: not trusted. `Unsupported`: for another machine or ABI, or it needs what this system lacks. `Config`: no
    /// plugin, or damaged. `Bug`: the library breaks the contract.
    pub fn open(path: &Path, trust: Trust) -> Result<Arc<Library>> {
        let named = |error: Error| error.context(format!("plugin `{}`", path.display()));
        let seen = Inspection::of(path, trust);
        if let Some((_, error)) = seen.failure() {
            return Err(named(error.clone()));
        }
        let (Some(file), Some(manifest), Some(text)) = (seen.file, seen.manifest, seen.text) else {
            return Err(named(Error::bug("every check holds, and yet something is missing")));
        };
        let mut loaded = loaded();
        if let Some(loaded) = loaded.get(&file.id) {
            return loaded.outcome.clone();
        }
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let plugin = enter(&name_for_loader(&file, seen.needs_own_path), &name).and_then(|plugin| {
            if plugin.manifest_json() == text {
                return Ok(plugin);
            }
            Err(Error::bug("the library hands out another manifest than stands in its file").hint(
                "the file was replaced while it was loaded, or it was not built well: install it again",
            ))
        });
        let outcome =
            plugin.map(|plugin| Arc::new(Library { path: path.to_owned(), manifest, plugin })).map_err(named);
        loaded.insert(file.id.clone(), Loaded { _file: file, outcome: outcome.clone() });
        outcome
    }

    /// Every library that is loaded, by file name.
    pub fn all() -> Vec<Arc<Library>> {
        let mut all: Vec<_> = loaded().values().filter_map(|loaded| loaded.outcome.clone().ok()).collect();
        all.sort_by(|left, right| left.path.cmp(&right.path));
        all
    }

    /// The file it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its tables, for what has no method here.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// From now on every value of its batches is looked at, whatever it was written with.
    pub fn validate_everything(&self) {
        self.plugin.set_validation(dstream_abi::import::Validation::Full);
    }

    /// Opens the tap `type_name`.
    ///
    /// # Errors
    /// `NotFound`: no such tap in the library. `Config`: the config cannot be meant.
    pub fn tap(&self, type_name: &str, context: Context, config: &ConnectorConfig) -> Result<Box<dyn Tap>> {
        self.plugin.tap(type_name, context, config)
    }

    /// Opens the target `type_name`.
    ///
    /// # Errors
    /// As [`Library::tap`].
    pub fn target(
        &self,
        type_name: &str,
        context: Context,
        config: &ConnectorConfig,
    ) -> Result<Box<dyn Target>> {
        self.plugin.target(type_name, context, config)
    }

    /// Stops every thread that the library started; once, after everything of it is closed.
    pub fn shutdown(&self, deadline: Duration) {
        self.plugin.shutdown(deadline);
    }
}

/// The name by which the loader gets the file that was checked, and no other that took its place since.
#[cfg(target_os = "linux")]
fn name_for_loader(file: &PluginFile, needs_own_path: bool) -> PathBuf {
    use std::os::fd::AsRawFd;
    let own = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
    let by_number = PathBuf::from(format!("/proc/self/fd/{}", file.file.as_raw_fd()));
    // Without /proc there is nothing but the name. A library that looks for others beside itself has to know where it
    // lies; every folder on the way to it was checked, so only root and the user can have replaced it.
    let is_same = by_number.metadata().is_ok_and(|metadata| FileId::of(&by_number, &metadata) == file.id);
    if is_same && !needs_own_path { by_number } else { own }
}

/// Elsewhere there is nothing but the name. Every folder on the way to the file was checked, so only root and the user
/// can have replaced it since.
#[cfg(not(target_os = "linux"))]
fn name_for_loader(file: &PluginFile, _needs_own_path: bool) -> PathBuf {
    file.path.canonicalize().unwrap_or_else(|_| file.path.clone())
}

#[cfg(unix)]
use libloading::os::unix::Library as Native;
#[cfg(windows)]
use libloading::os::windows::Library as Native;

/// Loads the file and enters it.
#[allow(unsafe_code)] // the decision to trust a file
fn enter(file: &Path, name: &str) -> Result<Plugin> {
    // SAFETY: constructors of the file run, and then its entry: `inspect` has found that the file is whole, for this
    // machine and this ABI, and that nobody but root and the user could write it (or the user asked for it all the same).
    // The symbol is the entry of dstream.h, and the library stays mapped until the process ends: it is never closed, and
    // NODELETE or a pin keeps it even from a close by others.
    unsafe {
        let library = open(file).map_err(|error| cannot_load(&error))?;
        let library = Box::leak(Box::new(library));
        match library.get::<EntryV1>(ENTRY_V1) {
            Ok(entry) => Plugin::enter(*entry, name),
            Err(_) => Err(no_entry((1..10).filter(|major| {
                library.get::<EntryV1>(format!("dstream_plugin_v{major}").as_str()).is_ok()
            }))),
        }
    }
}

/// # Safety
/// Constructors of the file run.
#[cfg(unix)]
#[allow(unsafe_code)] // a part of `enter`: the call differs from system to system
unsafe fn open(file: &Path) -> Result<Native, libloading::Error> {
    use libloading::os::unix::{RTLD_LOCAL, RTLD_NOW};
    // Not lazily: a missing symbol is an error here, not the end of the process in the middle of a run.
    let no_delete = if cfg!(target_vendor = "apple") { 0x80 } else { 0x1000 };
    // SAFETY: the caller's promise.
    unsafe { Native::open(Some(file), RTLD_NOW | RTLD_LOCAL | no_delete) }
}

/// # Safety
/// Constructors of the file run.
#[cfg(windows)]
#[allow(unsafe_code)] // a part of `enter`: the call differs from system to system
unsafe fn open(file: &Path) -> Result<Native, libloading::Error> {
    use libloading::os::windows::{LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LOAD_LIBRARY_SEARCH_SYSTEM32};
    // Never the working folder, never PATH.
    // SAFETY: the caller's promise.
    let library = unsafe {
        Native::load_with_flags(file, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32)
    }?;
    library.pin()?;
    Ok(library)
}

fn no_entry(mut majors: impl Iterator<Item = u32>) -> Error {
    match majors.next() {
        Some(major) => Error::unsupported(format!(
            "the library exports `dstream_plugin_v{major}`, this program speaks ABI {ABI_MAJOR}"
        ))
        .hint(format!("the plugin needs a `dstreams` that speaks ABI {major}: install a newer one")),
        None => Error::bug("the library does not export `dstream_plugin_v1`")
            .hint("ask whoever made the plugin for another build"),
    }
}

/// The loader's words, as what is missing and what to do.
fn cannot_load(error: &libloading::Error) -> Error {
    use std::error::Error as _;
    // The text is with the source on some versions and systems, with the error on others.
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    // Names the file by a number that says nothing to a user.
    let text = match text.split_once(": ") {
        Some((file, rest)) if file.starts_with("/proc/self/fd/") => rest,
        _ => &text,
    };
    explain(text)
}

fn explain(text: &str) -> Error {
    let after = |mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        let name = rest.trim_start().trim_start_matches(['\'', '`', '"']);
        let end = name.find(|c: char| c.is_whitespace() || "'`\",;".contains(c)).unwrap_or(name.len());
        Some(name[..end].to_owned()).filter(|name| !name.is_empty())
    };
    let before = |mark: &str| {
        let (rest, _) = text.split_once(mark)?;
        rest.rsplit([' ', ':']).find(|name| !name.is_empty()).map(str::to_owned)
    };
    // glibc; macOS in its two forms; musl.
    let symbol = after("undefined symbol:")
        .or_else(|| after("Symbol not found:"))
        .or_else(|| after("symbol not found in flat namespace"))
        .or_else(|| before(": symbol not found"));
    if let Some(symbol) = symbol {
        return Error::unsupported(format!(
            "the library needs the symbol `{symbol}`, and nothing here has it"
        ))
        .hint(
            "install the library that has it, or ask whoever made the plugin for a build that is complete",
        );
    }
    if let Some(version) = after("version `").or_else(|| after("version '")) {
        return Error::unsupported(format!("the library needs `{version}`, which this system does not have"))
            .hint("use a newer system, or a build of the plugin for older ones");
    }
    let library = before(": cannot open shared object file")
        .or_else(|| after("Error loading shared library").map(|name| name.trim_end_matches(':').to_owned()))
        .or_else(|| after("Library not loaded:"));
    if let Some(library) = library {
        return Error::unsupported(format!(
            "the plugin needs the library `{library}`, which is not installed"
        ))
        .hint(format!("install the package that has `{library}`"));
    }
    Error::unsupported(format!("the system cannot load the library: {text}"))
        .hint("ask whoever made the plugin for a build for this system")
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
