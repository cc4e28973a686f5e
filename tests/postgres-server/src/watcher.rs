//! Ends the server and removes its folder when this process is gone, however it went.

use anyhow::Result;
use std::process::Child;

use crate::folder::Folder;
use crate::programs::Programs;

/// A shell that reads a pipe which only this process writes to: it ends with us, even by `kill -9`.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Option<Child>,
}

/// Deaf to a Ctrl-C at the terminal, which ends the tests and not what has to clean up after them.
/// A server that is just starting has no pid yet: it ends by itself where its folder is gone.
#[cfg(unix)]
const SCRIPT: &str = r#"
trap '' HUP INT TERM QUIT
while read -r line; do :; done
[ -d "$1" ] || exit 0
"$2" stop -D "$1/data" -m immediate -t 20 -s
rm -rf "$1"
"#;

impl Watcher {
    #[cfg(unix)]
    pub(crate) fn start(programs: &Programs, folder: &Folder) -> Result<Watcher> {
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};

        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(folder.path()).arg(programs.folder().join("pg_ctl"));
        crate::programs::run_as_server(&mut shell, folder.path())?;
        // A folder that it stands in could not be removed everywhere.
        shell.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Whoever kills the tests with all that belongs to them (nextest, a terminal) does not mean this one.
        shell.process_group(0);
        Ok(Watcher { shell: Some(shell.spawn()?) })
    }

    /// Without a shell a server ends with its value alone.
    #[cfg(not(unix))]
    pub(crate) fn start(_programs: &Programs, _folder: &Folder) -> Result<Watcher> {
        Ok(Watcher { shell: None })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(mut shell) = self.shell.take() {
            drop(shell.stdin.take());
            let _ = shell.wait();
        }
    }
}
