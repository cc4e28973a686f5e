//! Everything that the workloads share: folder, server, databases, peers, data.

use anyhow::{Context, Result, ensure};
use dstream_postgres_server::{Options, Server};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::data::{Data, LINEITEM_FACTS, ORDERS_FACTS};
use crate::output::line;
use crate::python::Python;
use crate::shell::output;
use crate::workloads::Suite;

const TABLES: &str = include_str!("../peers/tables.sql");

/// What the database `sink` is made from before a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// Nothing in it.
    Empty,
    /// The tables, declared and empty.
    Tables,
    /// As the first sync of [`crate::workloads`]'s incremental one has left it.
    Synced,
}

impl Sink {
    fn template(self) -> &'static str {
        match self {
            Sink::Empty => "template0",
            Sink::Tables => "tables",
            Sink::Synced => "synced",
        }
    }
}

/// The shared set-up, server included.
pub(crate) struct World {
    /// Where every command runs.
    pub(crate) folder: PathBuf,
    /// The files.
    pub(crate) data: Data,
    /// DuckDB.
    pub(crate) python: Python,
    /// The private server, where the suite needs one.
    server: Option<Server>,
    /// What every command has in its environment.
    pub(crate) env: Vec<(String, OsString)>,
}

impl World {
    /// Makes all of it; `dstreams` is the folder of the program.
    pub(crate) fn make(folder: &Path, dstreams: &Path, scale: f64, suite: Suite) -> Result<World> {
        fs::create_dir_all(folder.join("logs"))?;
        let folder = folder.canonicalize()?;
        let python = Python::install(&folder)?;
        let data = Data::make(&folder, &python, scale)?;
        let server = match suite {
            Suite::Databases => Some(Server::start(
                &Options { fsync: true, ..Options::default() }
                    .setting("shared_buffers", "2GB")
                    .setting("max_connections", "100"),
            )?),
            Suite::Files | Suite::Memory => None,
        };
        let env = environment(&python, dstreams, server.as_ref())?;
        let world = World { folder, data, python, server, env };
        if world.server.is_some() {
            line("loading the source into PostgreSQL");
            world.load()?;
        }
        world.write_env()?;
        Ok(world)
    }

    fn load(&self) -> Result<()> {
        self.psql("postgres", "create database source; create database tables; create database sink")?;
        self.psql("tables", TABLES)?;
        self.psql("source", TABLES)?;
        for (table, file, key) in [
            ("lineitem", &self.data.lineitem_csv, "l_orderkey, l_linenumber"),
            ("orders", &self.data.orders_csv, "o_orderkey"),
        ] {
            let file = self.folder.join(file);
            self.psql("source", &format!("\\copy {table} from '{}' csv header\n", file.display()))?;
            self.psql(
                "source",
                &format!("alter table {table} add primary key ({key}); vacuum (analyze, freeze) {table}"),
            )?;
        }
        for (table, what, expected) in
            [("lineitem", LINEITEM_FACTS, &self.data.lineitem), ("orders", ORDERS_FACTS, &self.data.orders)]
        {
            let found = self.psql("source", &format!("select {what} from {table}"))?;
            ensure!(found == *expected, "the source is not loaded: `{table}` has {found}, not {expected}");
        }
        Ok(())
    }

    /// The private server.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Runs SQL on the private server.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String> {
        self.server.as_ref().context("this suite has no server")?.address().psql(database, sql)
    }

    /// Seconds of processor time that the server has taken.
    pub(crate) fn server_seconds(&self) -> Result<f64> {
        self.server.as_ref().map_or(Ok(0.0), Server::cpu_seconds)
    }

    /// Makes the database `sink` anew, and has nothing left to be written by the server or the system.
    pub(crate) fn reset(&self, sink: Sink) -> Result<()> {
        output(&mut Command::new("sync"))?;
        if self.server.is_none() {
            return Ok(());
        }
        self.psql("postgres", "drop database if exists sink with (force)")?;
        self.psql("postgres", &format!("create database sink template {}", sink.template()))?;
        self.psql("postgres", "checkpoint")?;
        Ok(())
    }

    /// The first block of the second half of `lineitem`, as a row's address.
    pub(crate) fn middle_of_lineitem(&self) -> Result<String> {
        let blocks = self.psql("source", "select pg_relation_size('lineitem') / 8192 / 2")?;
        Ok(format!("'({blocks},0)'"))
    }

    /// Leaves everything as it is until this process is ended.
    pub(crate) fn keep(&self) -> ! {
        line(&format!(
            "server and data stay until this is stopped with Ctrl-C. In another terminal:\n\n  cd {}\n  . ./env.sh\n  \
             psql -d source   # or sink; what is above runs here too\n",
            self.folder.display()
        ));
        loop {
            std::thread::park();
        }
    }

    /// A file for everyone who repeats a command by hand.
    fn write_env(&self) -> Result<()> {
        let mut text = String::new();
        for (name, value) in &self.env {
            writeln!(text, "export {name}='{}'", value.to_string_lossy())?;
        }
        fs::write(self.folder.join("env.sh"), text).context("the environment cannot be written")
    }
}

/// The programs that commands name are found by it, and the server by those that know libpq's variables.
fn environment(python: &Python, dstreams: &Path, server: Option<&Server>) -> Result<Vec<(String, OsString)>> {
    let mut path = vec![dstreams.canonicalize()?, python.programs()];
    let mut all: Vec<(&str, OsString)> = vec![("HOME", python.home().into()), ("LC_ALL", "C".into())];
    if let Some(server) = server {
        let address = server.address();
        path.push(dstream_postgres_server::Programs::find()?.folder().to_owned());
        all.extend([
            ("PGHOST", OsString::from(&address.host)),
            ("PGPORT", address.port.to_string().into()),
            ("PGUSER", (&address.user).into()),
            ("PGDATABASE", "source".into()),
        ]);
    }
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    all.push(("PATH", std::env::join_paths(path)?));
    Ok(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
