//! The folder of a server: initdb, and who may log in.

use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

#[cfg(feature = "tls")]
use crate::certificates::{CERTIFIED, Certificates};
use crate::options::Options;
#[cfg(feature = "tls")]
use crate::options::Tls;
use crate::programs::{Programs, hand_over};

/// The superuser of every server made here.
pub(crate) const SUPERUSER: &str = "postgres";

/// A temporary folder with all that a server has; removed with its value.
#[derive(Debug)]
pub(crate) struct Folder {
    root: TempDir,
    #[cfg(feature = "tls")]
    certificates: Option<Certificates>,
}

impl Folder {
    /// Makes the folder and the data in it.
    pub(crate) fn create(programs: &Programs, options: &Options) -> Result<Folder> {
        let root = tempfile::Builder::new().prefix("dstreams-postgres-").tempdir()?;
        hand_over(root.path())?;
        #[cfg(feature = "tls")]
        let certificates = match options.tls {
            Tls::Off => None,
            Tls::Offered | Tls::Required => Some(Certificates::create(root.path())?),
        };
        let folder = Folder {
            root,
            #[cfg(feature = "tls")]
            certificates,
        };
        let mut initdb = programs.server_command("initdb", folder.path())?;
        initdb
            .args([
                "--username",
                SUPERUSER,
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--no-sync",
            ])
            .arg("--pgdata")
            .arg(folder.data());
        run(&mut initdb, "").context("initdb failed")?;
        fs::write(folder.data().join("pg_hba.conf"), who_may_log_in(options))?;
        let mut roles = String::new();
        if let Some(password) = &options.password {
            roles += &format!("ALTER ROLE {SUPERUSER} PASSWORD '{}';\n\n", password.replace('\'', "''"));
        }
        #[cfg(feature = "tls")]
        if folder.certificates.is_some() {
            roles += &format!("CREATE ROLE {CERTIFIED} SUPERUSER LOGIN;\n\n");
        }
        if !roles.is_empty() {
            folder.alone(programs, &roles)?;
        }
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// What the folder adds to the settings of the server.
    pub(crate) fn settings(&self) -> Vec<(String, String)> {
        #[cfg(feature = "tls")]
        if let Some(certificates) = &self.certificates {
            return certificates.settings();
        }
        Vec::new()
    }

    #[cfg(feature = "tls")]
    pub(crate) fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Runs SQL, statements that end with a semicolon and an empty line, without a server.
    fn alone(&self, programs: &Programs, sql: &str) -> Result<()> {
        let mut single = programs.server_command("postgres", self.path())?;
        single.args(["--single", "-j", "-F", "-D"]).arg(self.data()).arg("postgres");
        run(&mut single, sql).context("the server cannot be set up")
    }
}

fn who_may_log_in(options: &Options) -> String {
    let how = if options.password.is_some() { "scram-sha-256" } else { "trust" };
    let mut lines = String::new();
    if cfg!(unix) {
        lines += &format!("local all,replication all {how}\n");
    }
    let over = "host";
    #[cfg(feature = "tls")]
    let over = if options.tls == Tls::Required { "hostssl" } else { over };
    #[cfg(feature = "tls")]
    if options.tls != Tls::Off {
        lines += &format!("hostssl all {CERTIFIED} 127.0.0.1/32 cert\n");
    }
    lines + &format!("{over} all,replication all 127.0.0.1/32 {how}\n")
}

/// Runs a program to its end; what it says is the error where it fails.
fn run(command: &mut Command, input: &str) -> Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().with_context(|| format!("{:?} cannot be started", command.get_program()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{}: {}", output.status, String::from_utf8_lossy(&said).trim_end());
    }
    Ok(())
}
