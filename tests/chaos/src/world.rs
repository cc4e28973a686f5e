//! One pipeline in a folder of its own: source, configs, destination, state.

use anyhow::{Context, Result, bail};
use dstream_postgres_server::Server;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

use crate::build::{self, Sides};
use crate::destination::Destination;
use crate::pair::Pair;
use crate::process::{End, Running};
use crate::random::Random;
use crate::servers::Servers;
use crate::source::Source;
use crate::stream::{Kind, Stream};
use crate::subject::Subject;

/// Longer than any run takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The system calls that write files, and those that make sure of them.
const TRACED: &str =
    "trace=write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat";

/// How the records get into the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plan {
    /// The write mode that follows from each stream: append, upsert, overwrite.
    ByStream,
    /// `write_mode` says append for every stream.
    Append,
}

pub(crate) struct World<'a> {
    subject: &'a Subject,
    pub(crate) pair: Pair,
    pub(crate) plan: Plan,
    pub(crate) source: Box<dyn Source>,
    pub(crate) destination: Box<dyn Destination>,
    pub(crate) servers: Vec<Arc<Server>>,
    pub(crate) streams: Vec<Stream>,
    folder: TempDir,
    random: Random,
    round: i64,
}

impl<'a> World<'a> {
    /// Makes the folder, the source and the destination.
    ///
    /// # Errors
    /// One of them cannot be made.
    pub(crate) fn create(
        subject: &'a Subject,
        pair: Pair,
        plan: Plan,
        servers: &mut Servers,
        seed: u64,
    ) -> Result<World<'a>> {
        let folder = folder()?;
        let mut random = Random::of(&[seed, 0x0DD5]);
        let sides = build::sides(pair, plan, folder.path(), servers, &mut random)?;
        World::fill(subject, pair, plan, folder, sides, seed, random, 2_500)
    }

    /// Writes the first records of every stream, the configs and, where one is needed, the catalog.
    ///
    /// # Errors
    /// One of them cannot be written.
    #[expect(clippy::too_many_arguments, reason = "all that a world is made of")]
    pub(crate) fn fill(
        subject: &'a Subject,
        pair: Pair,
        plan: Plan,
        folder: TempDir,
        sides: Sides,
        seed: u64,
        mut random: Random,
        records: u64,
    ) -> Result<World<'a>> {
        let Sides { mut source, destination, servers } = sides;
        let mut streams = build::streams(plan, seed);
        for stream in &mut streams {
            source.create(stream)?;
            let change = match stream.kind {
                Kind::Replaced => stream.replace(records, 0),
                Kind::Appended | Kind::Keyed => stream.append(records, &mut random),
            };
            source.change(stream, &change, &mut random)?;
        }
        let window = match destination.files().is_some_and(|files| files.place().lists_at_once()) {
            // Every request of a server of objects takes as long as a hundred writes to a disk.
            true => 100 * random.between(5, 12),
            false => 100 * random.between(2, 8),
        };
        let world =
            World { subject, pair, plan, source, destination, servers, streams, folder, random, round: 0 };
        world.write_configs(window)?;
        if world.has_catalog() {
            world.write_catalog()?;
        }
        Ok(world)
    }

    fn write_configs(&self, window: i64) -> Result<()> {
        let mut target = self.destination.target();
        target["batch_size"] = window.into();
        if self.plan == Plan::Append {
            target["options"]["write_mode"] = "append".into();
        }
        fs::write(self.path("tap.json"), self.source.tap().to_string())?;
        Ok(fs::write(self.path("target.json"), target.to_string())?)
    }

    /// Files that are appended to say all that there is to say.
    fn has_catalog(&self) -> bool {
        self.plan == Plan::ByStream || !self.pair.source().is_files()
    }

    fn write_catalog(&self) -> Result<()> {
        self.dstreams(&["discover", "-c", "tap.json", "-o", "catalog.json"])?;
        for stream in &self.streams {
            let name = self.source.stream_name(stream);
            let set = ["catalog", "set", "catalog.json", &name, "--replication-method"];
            match stream.replication_key {
                _ if stream.kind == Kind::Replaced => self.dstreams(&[&set[..], &["FULL_TABLE"]].concat())?,
                Some(key) if !self.pair.source().is_files() => {
                    self.dstreams(&[&set[..], &["INCREMENTAL", "--replication-key", key]].concat())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `dstreams`, as whoever has this folder as their home.
    pub(crate) fn command(&self, home: &str) -> Command {
        let mut command = Command::new(self.subject.binary());
        let home = self.path(home);
        command.current_dir(self.folder.path()).env_clear();
        for name in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, &home);
        }
        command.env("TMPDIR", self.path("out"));
        if let Some(bug) = self.subject.bug {
            command.env("DSTREAMS_SEEDED_BUG", bug.to_string());
        }
        command.arg("--quiet").arg("--plugin-dir").arg(self.subject.plugins());
        command
    }

    /// Runs a command that has to succeed; nobody disturbs it.
    ///
    /// # Errors
    /// It failed.
    pub(crate) fn dstreams(&self, args: &[&str]) -> Result<()> {
        match Running::start(self.command("home").args(args))?.end(LIMIT)? {
            End::Completed(_) => Ok(()),
            End::Failed { said, .. } => bail!("`dstreams {}` failed: {said}", args.join(" ")),
            End::Killed | End::Wedged => bail!("`dstreams {}` did not end", args.join(" ")),
        }
    }

    /// Starts a sync.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start_sync(&self) -> Result<Running> {
        self.start_sync_of("home", "state/state.json")
    }

    /// Starts a sync with another home and another state file.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start_sync_of(&self, home: &str, state: &str) -> Result<Running> {
        Running::start(&mut self.sync_command(home, state))
    }

    /// What a sync is started by.
    pub(crate) fn sync_command(&self, home: &str, state: &str) -> Command {
        let mut command = self.command(home);
        command.args(["sync", "--tap-config", "tap.json", "--target-config", "target.json"]);
        if self.has_catalog() {
            command.args(["--catalog", "catalog.json"]);
        }
        command.args(["--state", state]);
        command
    }

    /// What happens to the source after a completed sync: up to so many records a stream.
    ///
    /// # Errors
    /// It cannot be changed.
    pub(crate) fn change_source(&mut self, records: u64) -> Result<()> {
        self.round += 1;
        for stream in &mut self.streams {
            stream.copied.clone_from(&stream.versions);
            // Nothing new is a case too.
            let records = if self.random.percent(15) { 0 } else { self.random.below(records) };
            let change = match stream.kind {
                _ if records == 0 => continue,
                Kind::Replaced if self.random.percent(50) => stream.edit(&mut self.random),
                Kind::Replaced => stream.replace(500 + records, self.round << 20),
                Kind::Appended | Kind::Keyed => stream.append(records, &mut self.random),
            };
            self.source.change(stream, &change, &mut self.random)?;
        }
        Ok(())
    }

    /// What may happen to the source after a kill: more records come while nobody reads.
    ///
    /// # Errors
    /// It cannot be changed.
    pub(crate) fn grow_source(&mut self) -> Result<()> {
        for stream in &mut self.streams {
            let change = match stream.kind {
                // Half of a copy is in the target: files are not to change then, tables may.
                Kind::Replaced if self.pair.source().is_files() || self.random.percent(70) => continue,
                Kind::Replaced => stream.edit(&mut self.random),
                Kind::Appended | Kind::Keyed => stream.append(self.random.below(700), &mut self.random),
            };
            self.source.change(stream, &change, &mut self.random)?;
        }
        Ok(())
    }

    /// The command, with a record of the calls in `log` that write files.
    pub(crate) fn traced(&self, log: &str, command: &Command) -> Command {
        let mut traced = Command::new("strace");
        traced.args(["-f", "-y", "-qq", "-s", "0", "-e", TRACED, "-o", log]);
        traced.arg(command.get_program()).args(command.get_args());
        traced
            .current_dir(self.folder.path())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|it| ("PATH", it)));
        traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        traced
    }

    /// Its runs have a bug on purpose.
    pub(crate) fn has_bug(&self) -> bool {
        self.subject.bug.is_some()
    }

    /// Keeps the folder for whoever looks for the cause.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// An empty world.
pub(crate) fn folder() -> Result<TempDir> {
    let folder =
        tempfile::Builder::new().prefix("dstream-chaos-").tempdir().context("no temporary folder")?;
    for name in ["elsewhere", "files", "home", "out", "state"] {
        fs::create_dir(folder.path().join(name))?;
    }
    Ok(folder)
}
