//! The five jobs that the databases are measured by.

use anyhow::Result;

mod copy; // PostgreSQL -> PostgreSQL
mod load; // files -> PostgreSQL
mod read; // PostgreSQL -> files
mod upsert; // what has changed

use crate::dstreams::Dstreams;
use crate::workload::Workload;
use crate::world::World;

/// Their numbers.
pub(crate) const ALL: [u8; 5] = [1, 2, 3, 4, 5];

/// The workload of this number, with all that it needs.
pub(crate) fn make(number: u8, world: &World, dstreams: &Dstreams) -> Result<Workload> {
    match number {
        1 => read::from_postgres(world, dstreams),
        2 => load::from_csv(world, dstreams),
        3 => load::from_parquet(world, dstreams),
        4 => copy::to_postgres(world, dstreams),
        _ => upsert::of_changes(world, dstreams),
    }
}

/// The line for what cannot be built yet.
const NO_TAP: &str = "dstreams: no tap `postgres` in this build";
const NO_TARGET: &str = "dstreams: no target `postgres` in this build";
