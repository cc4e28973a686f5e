//! What these tests share: libraries as cargo built them, opened the way `dstreams` opens them.
#![allow(dead_code)] // every test file uses its own part
#![allow(clippy::print_stdout)] // what a failed test shows

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use dstream_abi::ConnectorConfig;
use dstream_conformance::{Outcome, Role, Subject, cases};
use dstream_core::plugin::{Library, Trust};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// `target/debug`, where cargo put the neighbours of this test.
pub(crate) fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    test.parent().and_then(Path::parent).expect("in target/debug/deps").to_owned()
}

/// The `dstreams` that cargo built.
pub(crate) fn dstreams() -> PathBuf {
    let binary = built().join(format!("dstreams{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.exists(), "`{}` is not there: `cargo build --workspace` makes it", binary.display());
    binary
}

/// The file of a package's library.
pub(crate) fn library_file(package: &str) -> PathBuf {
    let name = format!("{}dstream_{package}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    built().join("deps").join(name)
}

/// A copy that only its owner can change, whatever the mask was when it was built.
pub(crate) fn install(library: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join(library.file_name().expect("a library has a name"));
    std::fs::copy(library, &copy).unwrap_or_else(|error| panic!("`{}`: {error}", library.display()));
    close_to_others(&copy);
    copy
}

#[cfg(unix)]
fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}

/// A library in this process.
pub(crate) struct Loaded {
    library: Arc<Library>,
    _folder: TempDir,
}

impl Loaded {
    pub(crate) fn open(file: &Path) -> Loaded {
        let folder = tempfile::tempdir().expect("temp folder");
        let library = Library::open(&install(file, folder.path()), Trust::Required).expect("opens");
        Loaded { library, _folder: folder }
    }

    pub(crate) fn plugin(&self) -> &dstream_abi::import::Plugin {
        self.library.plugin()
    }

    pub(crate) fn subject(&self, type_name: &str, role: Role) -> Subject<'_> {
        Subject::new(self.library.plugin(), type_name, role).expect("the manifest has it").with_seed(seed())
    }
}

/// Set `DSTREAMS_SEED` to run with another one.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("DSTREAMS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2_024);
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| println!("DSTREAMS_SEED={seed}"));
    seed
}

pub(crate) fn config(type_name: &str, path: Option<&Path>, options: Value) -> ConnectorConfig {
    ConnectorConfig {
        name: "test".into(),
        type_name: type_name.into(),
        connection: path.map_or(Value::Null, |path| json!({ "path": path })),
        auth: Value::Null,
        options,
        batch_size: None,
    }
}

/// What every case of the role says, by name.
pub(crate) fn run_all(subject: &Subject<'_>, role: Role) -> Vec<(&'static str, Outcome)> {
    cases(role).map(|case| (case.name, case.run(subject))).collect()
}

/// The names of the cases that failed.
pub(crate) fn failed(outcomes: &[(&'static str, Outcome)]) -> Vec<&'static str> {
    let failed = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
    failed.map(|(name, _)| *name).collect()
}

/// The names of the cases that were skipped.
pub(crate) fn skipped(outcomes: &[(&'static str, Outcome)]) -> Vec<&'static str> {
    let skipped = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Skipped(_)));
    skipped.map(|(name, _)| *name).collect()
}

/// Nothing failed, and nothing but `skipped` was skipped.
pub(crate) fn assert_all_pass(subject: &Subject<'_>, role: Role, left_out: &[&str]) {
    let outcomes = run_all(subject, role);
    for (name, outcome) in &outcomes {
        println!("{name}: {outcome:?}");
    }
    assert_eq!(failed(&outcomes), [""; 0]);
    assert_eq!(skipped(&outcomes), left_out);
    let unseen = outcomes.iter().find(|(_, outcome)| match outcome {
        Outcome::Passed(seen) => seen.contains("not looked at"),
        _ => false,
    });
    assert_eq!(unseen, None, "a target needs a way to look at its rows");
}

/// Runs the binary in a world of its own.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(dstreams());
    command.current_dir(folder).args(args);
    for name in
        ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"]
    {
        command.env(name, folder);
    }
    command.env_remove("DSTREAMS_PLUGIN_PATH").output().expect("`dstreams` starts")
}

/// Its stdout, once it ended with this code.
pub(crate) fn run_to(folder: &Path, args: &[&str], code: i32) -> String {
    let output = run(folder, args);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    stdout.into_owned()
}
