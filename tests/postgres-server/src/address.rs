//! Where a server is, and `psql` against it.

use anyhow::{Context, Result, bail};
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::programs::Programs;

/// Where a server is and who logs in there: a superuser.
#[derive(Clone, Debug)]
pub struct Address {
    /// An address or a name.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// A superuser.
    pub user: String,
    /// Its password, where the server asks for one.
    pub password: Option<String>,
    pub(crate) programs: Programs,
}

impl Address {
    /// The URL of `database` there.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let Address { host, port, user, password, .. } = self;
        let password =
            password.as_ref().map(|password| format!(":{}", percent(password))).unwrap_or_default();
        format!("postgres://{}{password}@{host}:{port}/{}", percent(user), percent(database))
    }

    /// A program of PostgreSQL, with the connection to `database` in its environment: `pg_dump`, `psql`, `pgbench`.
    #[must_use]
    pub fn command(&self, program: &str, database: &str) -> Command {
        let mut command = self.programs.command(program);
        command
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGDATABASE", database)
            .env("PGCLIENTENCODING", "UTF8")
            // Passwords of the user who runs this are for other servers.
            .env("PGPASSFILE", self.programs.folder().join("there-is-none"));
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }

    /// Runs SQL (and commands of psql) in `database`, each statement in a transaction of its own unless it says
    /// `begin`, and returns what it prints: unaligned, `|` between columns, without the last newline.
    ///
    /// # Errors
    /// A statement failed: the rest is not run, and the message is what psql says.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        let mut child =
            self.psql_command(database).stdin(Stdio::piped()).spawn().context("psql cannot be started")?;
        let mut stdin = child.stdin.take().context("psql has no stdin")?;
        let output = thread::scope(|scope| {
            // Written beside the reading: both can be longer than a pipe holds. One that fails stops reading.
            scope.spawn(move || stdin.write_all(sql.as_bytes()));
            child.wait_with_output()
        });
        said(&output?)
    }

    /// As [`Address::psql`], with the statements of a file.
    ///
    /// # Errors
    /// As there.
    pub fn psql_file(&self, database: &str, file: &Path) -> Result<String> {
        let output = self.psql_command(database).arg("-f").arg(file).stdin(Stdio::null()).output();
        said(&output.context("psql cannot be started")?)
    }

    fn psql_command(&self, database: &str) -> Command {
        let mut command = self.command("psql", database);
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// As [`SHARED_SERVER`](crate::SHARED_SERVER) names it: `host:port:user`.
impl fmt::Display for Address {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}:{}", self.host, self.port, self.user)
    }
}

fn said(output: &std::process::Output) -> Result<String> {
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let said = String::from_utf8(output.stdout.clone()).context("psql prints what is not UTF-8")?;
    Ok(said.strip_suffix('\n').unwrap_or(&said).to_owned())
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}
