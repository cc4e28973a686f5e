//! A folder with plugins, a home, files and configs, in which `dstreams` is run.

use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

use crate::built;
use crate::run::{Run, Started};

/// The folder. It is removed with this value.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
    runs: AtomicU32,
}

impl Sandbox {
    /// One with these plugins in `plugins`.
    pub fn new(plugins: &[&str]) -> Sandbox {
        let folder = tempfile::Builder::new().prefix("dstream-e2e-").tempdir().expect("a temporary folder");
        let sandbox = Sandbox { folder, runs: AtomicU32::new(0) };
        for name in ["plugins", "home", "tmp", "said"] {
            sandbox.folder(name);
        }
        plugins.iter().for_each(|plugin| {
            sandbox.install(plugin, "plugins");
        });
        sandbox
    }

    /// From CSV files, or the synthetic tap, to SQLite.
    pub fn usual() -> Sandbox {
        Sandbox::new(&["files", "sqlite", "synthetic"])
    }

    /// Copies the library of a plugin into a folder of the sandbox.
    pub fn install(&self, plugin: &str, folder: &str) -> PathBuf {
        let copy = self.folder(folder).join(built::file_name(plugin));
        built::copy_closed(&built::library(plugin), &copy);
        copy
    }

    /// A path in the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder in the sandbox, made where there is none.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("a folder can be made in the sandbox");
        path
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        self.folder(Path::new(name).parent().and_then(Path::to_str).unwrap_or_default());
        fs::write(&path, content).expect("a file can be written in the sandbox");
        path
    }

    /// Writes a config.
    pub fn json(&self, name: &str, content: Value) -> PathBuf {
        self.write(name, content.to_string())
    }

    /// The text of a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
    }

    /// The JSON of a file.
    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
    }

    /// Appends to a file.
    pub fn append(&self, name: &str, content: &str) {
        use std::io::Write;
        let mut file = File::options().append(true).open(self.path(name)).expect("the file is there");
        file.write_all(content.as_bytes()).expect("a file can be written in the sandbox");
    }

    /// The mode of a file of the sandbox.
    pub fn set_mode(&self, name: &str, mode: u32) {
        built::set_mode(&self.path(name), mode);
    }

    /// Names of the files in a folder, sorted.
    pub fn list(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).expect("the folder is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry can be read").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// `program` in the sandbox: nothing of the user who runs the tests reaches it.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        for name in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, self.path("home"));
        }
        command.env("TMPDIR", self.path("tmp"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// `dstreams` with the plugins of the sandbox.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(&built::binary());
        command.arg("--plugin-dir").arg(self.path("plugins")).args(args);
        command
    }

    /// The same, by a shell that does `before` first: limits, signals, pipes. `"$@"` is the command line.
    pub fn by_shell(&self, script: &str, args: &[&str]) -> Command {
        let mut command = self.program(Path::new("/bin/sh"));
        command.arg("-c").arg(script).arg("sh").arg(built::binary());
        command.arg("--plugin-dir").arg(self.path("plugins")).args(args);
        command
    }

    /// Starts a command.
    pub fn start(&self, mut command: Command) -> Started {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let [stdout, stderr] =
            ["out", "err"].map(|ending| self.path("said").join(format!("{number}.{ending}")));
        let file = |path: &Path| File::create(path).expect("a file can be written in the sandbox");
        command.stdout(file(&stdout)).stderr(file(&stderr));
        Started::new(command, stdout, stderr)
    }

    /// Runs `dstreams` with these arguments to its end.
    pub fn run(&self, args: &[&str]) -> Run {
        self.start(self.command(args)).finish()
    }

    /// Runs a command to its end.
    pub fn run_command(&self, command: Command) -> Run {
        self.start(command).finish()
    }

    /// `sync` with `tap.json` and `target.json`, and more arguments.
    pub fn sync(&self, more: &[&str]) -> Run {
        self.run(&sync_args(more))
    }

    /// The same, started.
    pub fn start_sync(&self, more: &[&str]) -> Started {
        self.start(self.command(&sync_args(more)))
    }
}

fn sync_args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["sync", "--tap-config", "tap.json", "--target-config", "target.json"];
    args.extend(more);
    args
}

/// A file or folder of `examples/`.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}
