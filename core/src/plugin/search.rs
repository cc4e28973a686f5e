//! Where plugins are looked for. Pure: what the process knows of its surroundings is an [`Environment`].

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The variable with more folders to look in.
pub(crate) const VARIABLE: &str = "DSTREAMS_PLUGIN_PATH";

/// The system whose conventions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux, and every Unix that is not macOS.
    Unix,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Os {
    /// The system that this program was built for.
    pub const HOST: Os = if cfg!(windows) {
        Os::Windows
    } else if cfg!(target_os = "macos") {
        Os::MacOs
    } else {
        Os::Unix
    };

    /// Whether `path` names the same place from every working folder.
    fn is_absolute(self, path: &OsStr) -> bool {
        let bytes = path.as_encoded_bytes();
        match (self, bytes) {
            (Os::Windows, [drive, b':', b'\\' | b'/', ..]) => drive.is_ascii_alphabetic(),
            (Os::Windows, _) => bytes.starts_with(b"\\\\"),
            (_, _) => bytes.starts_with(b"/"),
        }
    }

    fn join(self, base: &Path, parts: &[&str]) -> PathBuf {
        let separator = if self == Os::Windows { "\\" } else { "/" };
        let mut path = base.as_os_str().to_owned();
        for part in parts {
            path.push(separator);
            path.push(part);
        }
        path.into()
    }

    fn split(self, list: &OsStr) -> Vec<OsString> {
        match list.to_str() {
            // Not by `split_paths`, which knows the separator of one system only.
            Some(text) => {
                text.split(if self == Os::Windows { ';' } else { ':' }).map(OsString::from).collect()
            }
            None => std::env::split_paths(list).map(PathBuf::into_os_string).collect(),
        }
    }
}

/// What the search depends on.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Whose conventions hold.
    pub os: Os,
    /// The running program, with links resolved.
    pub binary: Option<PathBuf>,
    /// `$DSTREAMS_PLUGIN_PATH`.
    pub plugin_path: Option<OsString>,
    /// `$HOME`.
    pub home: Option<OsString>,
    /// `$XDG_DATA_HOME`.
    pub xdg_data_home: Option<OsString>,
    /// `%APPDATA%`.
    pub app_data: Option<OsString>,
    /// The program runs with more rights than the user who started it (set-uid): what that user can set is ignored.
    pub elevated: bool,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Environment {
        let binary = std::env::current_exe().ok();
        Environment {
            os: Os::HOST,
            binary: binary.map(|path| path.canonicalize().unwrap_or(path)),
            plugin_path: std::env::var_os(VARIABLE),
            home: std::env::var_os("HOME"),
            xdg_data_home: std::env::var_os("XDG_DATA_HOME"),
            app_data: std::env::var_os("APPDATA"),
            elevated: super::trust::is_elevated(),
        }
    }

    /// The folder of the user's own data.
    fn user_data(&self) -> Option<PathBuf> {
        let absolute = |value: &Option<OsString>| {
            value.clone().filter(|value| self.os.is_absolute(value)).map(PathBuf::from)
        };
        let home = absolute(&self.home);
        match self.os {
            Os::Unix => absolute(&self.xdg_data_home)
                .or_else(|| home.map(|home| self.os.join(&home, &[".local", "share"]))),
            Os::MacOs => home.map(|home| self.os.join(&home, &["Library", "Application Support"])),
            Os::Windows => absolute(&self.app_data),
        }
    }
}

/// Who named a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `--plugin-dir`.
    Flag,
    /// `$DSTREAMS_PLUGIN_PATH`.
    Variable,
    /// `plugins` beside the folder of the program.
    Program,
    /// The user's data.
    User,
    /// The system's.
    System,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Source::Flag => "--plugin-dir",
            Source::Variable => "$DSTREAMS_PLUGIN_PATH",
            Source::Program => "beside the program",
            Source::User => "the user's",
            Source::System => "the system's",
        })
    }
}

/// One folder to look in. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// An absolute path.
    pub folder: PathBuf,
    /// Who named it.
    pub source: Source,
}

/// Every folder to look in. The order is that of listings; it never decides which of two plugins runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// The folders.
    pub places: Vec<Place>,
    /// What was set and not followed: one sentence each, for a warning.
    pub ignored: Vec<String>,
}

impl SearchPath {
    /// The folders for this program. `flags` are those of `--plugin-dir`, as absolute paths.
    pub fn new(flags: &[PathBuf], environment: &Environment) -> SearchPath {
        let os = environment.os;
        let mut search = SearchPath::default();
        for folder in flags {
            search.add(folder.clone(), Source::Flag);
        }
        match &environment.plugin_path {
            Some(_) if environment.elevated => {
                search.ignored.push(format!("`${VARIABLE}` is not followed by a program with raised rights"));
            }
            Some(list) => search.add_variable(os, list),
            None => {}
        }
        if let Some(beside) = environment.binary.as_deref().and_then(Path::parent).and_then(Path::parent) {
            search.add(os.join(beside, &["plugins"]), Source::Program);
        }
        if let Some(data) = environment.user_data().filter(|_| !environment.elevated) {
            search.add(os.join(&data, &["dstreams", "plugins"]), Source::User);
        }
        if os != Os::Windows {
            search.add("/usr/local/lib/dstreams/plugins".into(), Source::System);
            search.add("/usr/lib/dstreams/plugins".into(), Source::System);
        }
        search
    }

    fn add_variable(&mut self, os: Os, list: &OsStr) {
        for entry in os.split(list) {
            if entry.is_empty() {
                // `A::B` and a colon at the end are how such lists are put together, not a wish for this folder.
                continue;
            }
            if os.is_absolute(&entry) {
                self.add(entry.into(), Source::Variable);
            } else {
                self.ignored.push(format!(
                    "`{}` in `${VARIABLE}` is not an absolute path and is not searched",
                    Path::new(&entry).display()
                ));
            }
        }
    }

    fn add(&mut self, folder: PathBuf, source: Source) {
        if self.places.iter().all(|place| place.folder != folder) {
            self.places.push(Place { folder, source });
        }
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
