//! One pipeline in a folder of its own: files, configs, target, state.

use anyhow::{Context, Result, bail};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

use crate::cell::DECLARED;
use crate::process::{self, End};
use crate::random::Random;
use crate::subject::Subject;
use crate::tables::{Kind, Stream};

/// Longer than any run takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// How the records get into the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plan {
    /// A catalog, and the write mode that follows from each stream: append, upsert, overwrite.
    ByStream,
    /// No catalog, and `write_mode` says append for every stream.
    Append,
}

pub(crate) struct World<'a> {
    subject: &'a Subject,
    pub(crate) plan: Plan,
    folder: TempDir,
    pub(crate) streams: Vec<Stream>,
    random: Random,
    round: i64,
}

impl<'a> World<'a> {
    /// Makes the folder with its files.
    ///
    /// # Errors
    /// The folder cannot be written, or the catalog cannot be made.
    pub(crate) fn create(subject: &'a Subject, plan: Plan, seed: u64) -> Result<World<'a>> {
        let folder =
            tempfile::Builder::new().prefix("dstream-chaos-").tempdir().context("no temporary folder")?;
        let mut random = Random::of(&[seed, 0x0DD5]);
        fs::create_dir(folder.path().join("files"))?;
        fs::create_dir(folder.path().join("home"))?;
        fs::create_dir(folder.path().join("out"))?;
        fs::create_dir(folder.path().join("state"))?;
        let kinds: &[(&'static str, Kind)] = match plan {
            Plan::ByStream => &[
                ("events", Kind::Appended),
                ("clicks", Kind::Appended),
                ("items", Kind::Keyed),
                ("prices", Kind::Replaced),
            ],
            Plan::Append => {
                &[("events", Kind::Appended), ("clicks", Kind::Appended), ("logs", Kind::Appended)]
            }
        };
        let files = folder.path().join("files");
        let streams = kinds.iter().zip(1u64..);
        let streams = streams.map(|((name, kind), number)| Stream::create(&files, name, *kind, seed, number));
        let streams = streams.collect::<Result<Vec<_>>>()?;
        let window = 100 * random.between(2, 8);
        let world = World { subject, plan, folder, streams, random, round: 0 };
        world.write_configs(window)?;
        if plan == Plan::ByStream {
            world.dstreams(&["discover", "-c", "tap.json", "-o", "catalog.json"])?;
            let full = ["catalog", "set", "catalog.json", "prices", "--replication-method", "FULL_TABLE"];
            world.dstreams(&full)?;
        }
        Ok(world)
    }

    fn write_configs(&self, window: i64) -> Result<()> {
        let types: BTreeMap<&str, &str> = DECLARED.into();
        let keys = match self.plan {
            Plan::ByStream => json!({"items": ["id"]}),
            Plan::Append => json!({}),
        };
        let tap = json!({
            "name": "files", "type": "csv", "connection": {"path": "files"},
            "options": {"null_values": ["", "NA"], "types": types, "key_properties": keys},
        });
        let options = match self.plan {
            Plan::ByStream => json!({}),
            Plan::Append => json!({"write_mode": "append"}),
        };
        let target = json!({
            "name": "out", "type": "sqlite", "connection": {"path": "out/out.db"},
            "batch_size": window, "options": options,
        });
        fs::write(self.path("tap.json"), tap.to_string())?;
        Ok(fs::write(self.path("target.json"), target.to_string())?)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.subject.binary());
        let home = self.path("home");
        command.current_dir(self.folder.path()).env_clear();
        for name in ["HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, &home);
        }
        command.env("TMPDIR", self.path("out"));
        if let Some(bug) = &self.subject.bug {
            command.env("DSTREAMS_SEEDED_BUG", bug);
        }
        command.arg("--quiet").arg("--plugin-dir").arg(self.subject.plugins());
        command
    }

    /// Runs a command that has to succeed; nobody kills it.
    ///
    /// # Errors
    /// It failed.
    pub(crate) fn dstreams(&self, args: &[&str]) -> Result<()> {
        match process::run(self.command().args(args), None, LIMIT)? {
            End::Completed(_) => Ok(()),
            End::Failed(said) => bail!("`dstreams {}` failed, {said}", args.join(" ")),
            End::Killed | End::Wedged => bail!("`dstreams {}` did not end", args.join(" ")),
        }
    }

    /// Runs a sync, to be killed after `kill_after`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn sync(&self, kill_after: Option<Duration>) -> Result<End> {
        let mut command = self.command();
        command.args(["sync", "--tap-config", "tap.json", "--target-config", "target.json"]);
        if self.plan == Plan::ByStream {
            command.args(["--catalog", "catalog.json"]);
        }
        process::run(command.args(["--state", "state/state.json"]), kill_after, LIMIT)
    }

    /// What happens to the files after a completed sync.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn change_files(&mut self) -> Result<()> {
        self.round += 1;
        for stream in &mut self.streams {
            // Nothing new is a case too.
            let records = if self.random.percent(15) { 0 } else { self.random.below(2_000) };
            match stream.kind {
                Kind::Replaced if records > 0 => stream.replace(500 + records, self.round)?,
                Kind::Replaced => {}
                Kind::Appended | Kind::Keyed => stream.append(records, &mut self.random)?,
            }
        }
        Ok(())
    }

    /// What may happen to the files after a kill: more records come while nobody reads.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn grow_files(&mut self) -> Result<()> {
        for stream in self.streams.iter_mut().filter(|stream| stream.kind != Kind::Replaced) {
            let records = self.random.below(700);
            stream.append(records, &mut self.random)?;
        }
        Ok(())
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
