//! The jobs that are measured.

use anyhow::Result;
use clap::ValueEnum;

mod copy; // PostgreSQL -> PostgreSQL
mod files; // files -> files and SQLite
mod load; // files -> PostgreSQL
mod memory; // much of something
mod read; // PostgreSQL -> files
mod upsert; // what has changed

use crate::dstreams::Dstreams;
use crate::workload::Workload;
use crate::world::World;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// 1 to 5: with a PostgreSQL server at one end at least
    Databases,
    /// 6 to 10: from files to files and SQLite
    Files,
    /// 11 to 14: what much of something takes in memory
    Memory,
}

impl Suite {
    /// The numbers of its workloads.
    pub(crate) fn numbers(self) -> &'static [u8] {
        match self {
            Suite::Databases => &[1, 2, 3, 4, 5],
            Suite::Files => &[6, 7, 8, 9, 10],
            Suite::Memory => &[11, 12, 13, 14],
        }
    }

    /// What it is called on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Suite::Databases => "databases",
            Suite::Files => "files",
            Suite::Memory => "memory",
        }
    }
}

/// The workload of this number, with all that it needs.
pub(crate) fn make(number: u8, world: &World, dstreams: &Dstreams) -> Result<Workload> {
    match number {
        1 => read::from_postgres(world, dstreams),
        2 => load::from_csv(world, dstreams),
        3 => load::from_parquet(world, dstreams),
        4 => copy::to_postgres(world, dstreams),
        5 => upsert::of_changes(world, dstreams),
        6 => files::csv_to_parquet(world, dstreams),
        7 => files::jsonl_to_parquet(world, dstreams),
        8 => files::csv_to_sqlite(world, dstreams),
        9 => files::parquet_to_csv(world, dstreams),
        10 => files::parquet_read(world, dstreams),
        11 => memory::tenfold(world, dstreams),
        12 => memory::wide(world, dstreams),
        13 => memory::many_files(world, dstreams),
        _ => memory::many_streams(world, dstreams),
    }
}

/// The line for what cannot be built yet.
const NO_TAP: &str = "dstreams: no tap `postgres` in this build";
const NO_TARGET: &str = "dstreams: no target `postgres` in this build";
