//! PostgreSQL → PostgreSQL, the hundredth part that has changed.

use anyhow::{Context, Result};
use std::fs;
use std::process::Command;

use super::{NO_TAP, NO_TARGET};
use crate::data::{ORDERS_FACTS, rows};
use crate::dstreams::Dstreams;
use crate::output::line;
use crate::shell::output;
use crate::workload::{Check, Contender, Goal, Role, Workload};
use crate::world::{Sink, World};

const CHANGING: &str = include_str!("../../peers/changing.sql");
const CHANGE: &str = include_str!("../../peers/change.sql");
const BY_HAND: &str = include_str!("../../peers/upsert.sh");
const NAME: &str = "COPY, then ON CONFLICT, by hand";
const STATE: &str = "synced-state.json";
const CATALOG: &str = "upsert.json";
const FOLLOW: &[&str] = &["--replication-method", "INCREMENTAL", "--replication-key", "updated_at"];

pub(crate) fn of_changes(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    line("\nmaking the table that changes, and its first copy");
    world.psql("source", CHANGING)?;
    fs::write(world.folder.join("upsert.sh"), BY_HAND)?;
    let able = dstreams.tap && dstreams.target;
    first_copy(world, dstreams, able)?;
    world.psql("source", CHANGE)?;
    let statement = format!(
        "select {ORDERS_FACTS}, count(*) filter (where updated_at > '2026-01-01') from orders_changing"
    );
    let expected = world.psql("source", &statement)?;
    let changed = expected.rsplit('|').next().map_or(0, rows);
    let arrived = || Check::Sink(statement.clone(), expected.clone());
    let mut workload = Workload {
        number: 5,
        title: "PostgreSQL → PostgreSQL, 1 % changed",
        rows: changed,
        contenders: Vec::new(),
        peak: 250.0,
        goals: Vec::new(),
        notes: Vec::new(),
    };
    if able {
        workload.contenders.push(
            Contender::new(
                "dstreams",
                Role::Dstreams,
                Dstreams::sync("source.json", "sink.json", CATALOG),
                arrived(),
            )
            .into(Sink::Synced)
            .on_from(STATE),
        );
        workload.goals.push(Goal { of: "dstreams", against: NAME, at_most: 1.2 });
    } else {
        workload.notes.push(if dstreams.tap { NO_TARGET } else { NO_TAP }.into());
    }
    workload
        .contenders
        .push(Contender::new(NAME, Role::Limit, "sh upsert.sh".into(), arrived()).into(Sink::Synced));
    Ok(workload)
}

/// The database `synced`, and the state that goes with it.
fn first_copy(world: &World, dstreams: &Dstreams, able: bool) -> Result<()> {
    let _ = fs::remove_file(world.folder.join("state.json"));
    world.psql("postgres", "drop database if exists synced")?;
    world.reset(Sink::Empty)?;
    let copy = if able {
        dstreams.catalog(world, "source.json", CATALOG, "public.orders_changing", FOLLOW)?;
        Dstreams::sync("source.json", "sink.json", CATALOG)
    } else {
        "pg_dump -t orders_changing source | psql -Xq -v ON_ERROR_STOP=1 -d sink".to_owned()
    };
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(copy).current_dir(&world.folder);
    output(shell.envs(world.env.iter().map(|(name, value)| (name, value)))).context("the first copy")?;
    if able {
        fs::copy(world.folder.join("state.json"), world.folder.join(STATE))?;
    }
    world.psql("sink", "vacuum analyze")?;
    world.psql("postgres", "alter database sink rename to synced")?;
    Ok(())
}
