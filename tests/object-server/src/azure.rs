//! Azurite on a port that is free, with a container.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The version is pinned here.
const PACKAGE: &str = "azurite@3.35.0";
const MAKE_CONTAINER: &str = include_str!("container.py");
const MAKE_TOKEN: &str = include_str!("token.py");

/// The account that every Azurite has, and its key, which is public.
pub const ACCOUNT: &str = "devstoreaccount1";
/// See `ACCOUNT`.
pub const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A server of Azure Blob Storage that runs until it is dropped.
pub struct AzureServer {
    child: Child,
    address: String,
}

impl AzureServer {
    /// Starts one with an empty container, named as `BUCKET` is.
    ///
    /// # Errors
    /// There is no npm, or the package cannot be had.
    pub fn start() -> Result<AzureServer> {
        let program = install()?;
        let mut child = Command::new("node")
            .arg(program)
            .args(["--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence"])
            .args(["--skipApiVersionCheck", "--disableTelemetry", "--silent"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().context("its output is a pipe")?;
        let mut server = AzureServer { child, address: String::new() };
        for line in BufReader::new(stdout).lines() {
            if let Some((_, address)) = line?.split_once("successfully listens on ") {
                server.address = address.trim().to_owned();
                break;
            }
        }
        let made = Command::new("python3")
            .args(["-c", MAKE_CONTAINER, &server.endpoint(), ACCOUNT, ACCOUNT_KEY, crate::BUCKET])
            .stdin(Stdio::null())
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(server)
    }

    /// A token (SAS) of the container with these rights, such as `racwdl`. One of the account would do as well, but Azurite
    /// lets no such one remove anything in a batch.
    ///
    /// # Errors
    /// There is no Python.
    pub fn token(&self, rights: &str) -> Result<String> {
        let made = Command::new("python3")
            .args(["-c", MAKE_TOKEN, ACCOUNT, ACCOUNT_KEY, crate::BUCKET, rights])
            .stdin(Stdio::null())
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(String::from_utf8(made.stdout)?.trim().to_owned())
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("{}/{ACCOUNT}", self.address)
    }
}

impl Drop for AzureServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Installs the package where it is not yet; whoever comes meanwhile waits.
fn install() -> Result<PathBuf> {
    let target = dstream_peers::target()?;
    let folder = target.join("test-azurite");
    let lock = File::create(target.join("test-azurite.lock"))?;
    lock.lock()?;
    let program = folder.join("node_modules/azurite/dist/src/blob/main.js");
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == PACKAGE) {
        return Ok(program);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let output = Command::new("npm")
        .args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"])
        .arg(&folder)
        .arg(PACKAGE)
        .stdin(Stdio::null())
        .output()
        .context("the tests of Azure need npm")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(installed, PACKAGE)?;
    Ok(program)
}
