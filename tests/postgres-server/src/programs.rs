//! Where PostgreSQL is installed, and as whom it runs.

use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The end of the message where there is no server.
pub const WHAT_TO_INSTALL: &str = "install PostgreSQL 13 or newer (Debian and Ubuntu: `apt-get install postgresql`; \
     Fedora: `dnf install postgresql-server`; macOS: `brew install postgresql`), or name the folder of `initdb` \
     in DSTREAMS_POSTGRES_BIN";

/// The folder with `postgres`, `initdb` and `psql`.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Looks into `DSTREAMS_POSTGRES_BIN`, `PATH`, what `pg_config` says and where packages put it, in this order.
    ///
    /// # Errors
    /// There is no server anywhere; the message says what to install.
    pub fn find() -> Result<Programs> {
        if let Some(named) = env::var_os("DSTREAMS_POSTGRES_BIN") {
            let folder = PathBuf::from(named);
            if !is_complete(&folder) {
                bail!("DSTREAMS_POSTGRES_BIN is `{}`, which has no `initdb`", folder.display());
            }
            return Ok(Programs { folder });
        }
        let mut folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
        folders.extend(told_by_pg_config());
        folders.extend(of_packages());
        let folder = folders.into_iter().find(|folder| is_complete(folder));
        Ok(Programs {
            folder: folder
                .with_context(|| format!("there is no PostgreSQL server here: {WHAT_TO_INSTALL}"))?,
        })
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of PostgreSQL as the user who runs this, deaf to the settings of the environment.
    #[must_use]
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(executable(name)));
        isolate(&mut command);
        command
    }

    /// As [`Programs::command`], as the user who may run a server, inside of `folder`.
    pub(crate) fn server_command(&self, name: &str, folder: &Path) -> Result<Command> {
        let mut command = self.command(name);
        run_as_server(&mut command, folder)?;
        Ok(command)
    }
}

/// Makes `command` run as the user who may run a server, inside of `folder`.
pub(crate) fn run_as_server(command: &mut Command, folder: &Path) -> Result<()> {
    // The folder that this process stands in may be closed to the other user.
    command.current_dir(folder);
    #[cfg(unix)]
    if let Some((user, group)) = owner()? {
        use std::os::unix::process::CommandExt;
        command.uid(user).gid(group);
    }
    Ok(())
}

/// Hands `path` over to the user who may run a server.
pub(crate) fn hand_over(path: &Path) -> Result<()> {
    #[cfg(unix)]
    if let Some((user, group)) = owner()? {
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .with_context(|| format!("`{}` cannot be handed over", path.display()))?;
    }
    let _ = path;
    Ok(())
}

/// Removes what a user, a script or a test around us has set for other servers.
fn isolate(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").env("TZ", "UTC").env("PGCONNECT_TIMEOUT", "20");
}

/// PostgreSQL refuses to run as root: the user and group it runs as in place of it.
#[cfg(unix)]
fn owner() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("`/etc/passwd` cannot be read")?;
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let user = fields.nth(1)?.parse().ok()?;
            let group = fields.next()?.parse().ok()?;
            (name == wanted).then_some((user, group))
        })
    };
    let found = find("postgres").or_else(|| find("nobody"));
    found.context("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`").map(Some)
}

fn executable(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_ctl", "psql"].iter().all(|name| folder.join(executable(name)).is_file())
}

fn told_by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Where Debian, Fedora, Homebrew and the installer for Windows put it, the newest version first.
fn of_packages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let roots =
        ["/usr/lib/postgresql", "/usr/local/opt", "/opt/homebrew/opt", r"C:\Program Files\PostgreSQL"];
    for root in roots {
        let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let version = name.trim_start_matches("postgresql@").parse().ok()?;
                Some((version, entry.path().join("bin")))
            })
            .collect();
        versions.sort();
        found.extend(versions.into_iter().rev().map(|(_, folder)| folder));
    }
    for version in (13..=20).rev() {
        found.push(format!("/usr/pgsql-{version}/bin").into());
    }
    let macos = "/Applications/Postgres.app/Contents/Versions/latest/bin";
    found.extend([macos, "/opt/homebrew/bin", "/usr/local/pgsql/bin"].map(PathBuf::from));
    found
}
