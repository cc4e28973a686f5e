//! `demo`: the main job on real data, from a clean clone to a table.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::env::consts::EXE_SUFFIX;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use crate::shell::program_at;
use crate::{dist, say};

const BUSIEST: &str = "\
    select a.name as airline, count(*) as flights, round(avg(f.dep_delay), 1) as mean_delay_minutes,
           round(100.0 * sum(f.dep_delay is null) / count(*), 1) as cancelled_percent
    from flights f join airlines a using (carrier)
    group by a.name order by flights desc limit 8";
const AIRLINES: &str = "select count(*) as airlines, max(name) as last_by_name from airlines";
const NEW_AIRLINES: &str = "ZY,Zephyr Example Air\nZZ,Zulu Example Air\n";

/// Where everything of the demo is, and the programs it uses.
struct Demo {
    folder: PathBuf,
    dstreams: PathBuf,
    query: PathBuf,
}

/// Runs the demo from the start.
pub(crate) fn run() -> Result<ExitCode> {
    let start = Instant::now();
    say::step("1. Build dstreams and its plugins, in release");
    let installed = dist::build(&["--package", "xtask", "--features", "xtask/query"])?;
    let release = dist::target().join("release");
    let demo = Demo {
        folder: dist::target().join("demo"),
        dstreams: installed.join("bin").join(format!("dstreams{EXE_SUFFIX}")),
        query: release.join(format!("query{EXE_SUFFIX}")),
    };
    say::line(&format!("built in {:.0} s", start.elapsed().as_secs_f64()));
    demo.prepare()?;

    say::step("2. Which plugins are there?");
    demo.dstreams(&["plugin", "list"])?;

    say::step("3. What can be read? Discover the CSV files as a catalog");
    demo.dstreams(&["discover", "-c", "tap.json", "-o", "catalog.json"])?;
    demo.dstreams(&["catalog", "view", "catalog.json"])?;

    say::step("4. Move it all into a SQLite file that is not there yet");
    demo.sync()?;
    demo.show(BUSIEST)?;

    say::step("5. Two airlines are new: append them to airlines.csv, and run the same command again");
    let airlines = demo.folder.join("nycflights").join("airlines.csv");
    demo.show(AIRLINES)?;
    OpenOptions::new().append(true).open(airlines)?.write_all(NEW_AIRLINES.as_bytes())?;
    say::line("$ printf 'ZY,Zephyr Example Air\\nZZ,Zulu Example Air\\n' >> nycflights/airlines.csv");
    demo.sync()?;
    demo.show(AIRLINES)?;

    demo.what_next(start);
    Ok(ExitCode::SUCCESS)
}

impl Demo {
    /// A folder with copies of the data and of the configs, and nothing of an earlier demo.
    fn prepare(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)
                .with_context(|| format!("{} cannot be removed", self.folder.display()))?;
        }
        let data = self.folder.join("nycflights");
        fs::create_dir_all(&data)?;
        for entry in fs::read_dir("examples/nycflights")? {
            let entry = entry?;
            fs::copy(entry.path(), data.join(entry.file_name()))?;
        }
        self.config("examples/tap-config.json", "tap.json", "nycflights")?;
        self.config("examples/target-config.json", "target.json", "nycflights.db")
    }

    /// The config of the examples with the path of the copy.
    fn config(&self, from: &str, to: &str, path: &str) -> Result<()> {
        let mut config: Value = serde_json::from_str(&fs::read_to_string(from)?)?;
        config["connection"] = json!({ "path": path });
        fs::write(self.folder.join(to), serde_json::to_string_pretty(&config)? + "\n")?;
        Ok(())
    }

    fn dstreams(&self, args: &[&str]) -> Result<()> {
        let dstreams = program_at(&self.dstreams).inside(&self.folder).shown_as("dstreams");
        args.iter().fold(dstreams, |program, arg| program.arg(arg)).run()
    }

    fn sync(&self) -> Result<()> {
        self.dstreams(&[
            "sync",
            "--tap-config",
            "tap.json",
            "--target-config",
            "target.json",
            "--catalog",
            "catalog.json",
            "--state",
            "state.json",
        ])
    }

    fn show(&self, sql: &str) -> Result<()> {
        let rows = program_at(&self.query).arg(self.folder.join("nycflights.db")).arg(sql).output()?;
        say::line(&format!("\n{rows}"));
        Ok(())
    }

    fn what_next(&self, start: Instant) {
        let took = start.elapsed().as_secs_f64();
        say::step(&format!("That was the demo, in {took:.0} s. To try next:"));
        say::line(&format!("cd {}", self.folder.display()));
        if let Some(bin) = self.dstreams.parent() {
            say::line(&format!("export PATH={}:$PATH", bin.display()));
        }
        say::line(
            "dstreams plugin info csv                        # every option of a connector\n\
             dstreams state view state.json                  # how far each stream is\n\
             dstreams tap -c tap.json | head -3              # Singer messages, for any Singer target\n\
             dstreams catalog deselect catalog.json weather  # a sync without it\n\
             dstreams sync --tap-config tap.json --target-config target.json --explain\n\
             dstreams --help",
        );
    }
}
