//! PostgreSQL → Parquet, and its reading half.

use anyhow::Result;

use super::NO_TAP;
use crate::data::LINEITEM_FACTS;
use crate::dstreams::{Dstreams, LAKE};
use crate::workload::{Check, Contender, Goal, Role, Workload};
use crate::world::World;

const OURS: &str = "dstreams → Parquet, zstd";
const DUCKDB: &str = "duckdb → Parquet, zstd";
const DRAINED: &str = "duckdb, read and dropped";

pub(crate) fn from_postgres(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let rows = world.data.lineitem_rows();
    let middle = world.middle_of_lineitem()?;
    let mut workload = Workload {
        number: 1,
        title: "PostgreSQL → Parquet",
        rows,
        contenders: Vec::new(),
        peak: 250.0,
        goals: Vec::new(),
        notes: Vec::new(),
    };
    if dstreams.tap {
        dstreams.catalog(world, "source.json", "read.json", "public.lineitem", FULL)?;
        workload.contenders.extend([
            Contender::new(
                OURS,
                Role::Dstreams,
                Dstreams::sync("source.json", "lake.json", "read.json"),
                in_lake(world),
            ),
            Contender::new(
                "dstreams → blackhole",
                Role::Part,
                Dstreams::sync("source.json", "blackhole.json", "read.json"),
                Check::Committed(rows),
            ),
        ]);
        workload.goals.push(Goal { of: OURS, against: DUCKDB, at_most: 0.85 });
    } else {
        workload.notes.push(NO_TAP.into());
    }
    let half = |condition: &str| {
        format!(
            "psql -XAt -d source -c \"\\copy (select * from lineitem where ctid {condition} {middle}) to '/dev/null' \
             (format binary)\""
        )
    };
    workload.contenders.extend([
        Contender::new(
            DRAINED,
            Role::Peer,
            "python query.py --postgres 'EXPLAIN ANALYZE SELECT * FROM source.lineitem'".into(),
            Check::Says(format!("{} rows", grouped(rows))),
        ),
        Contender::new(
            DUCKDB,
            Role::Peer,
            "python query.py --postgres \"COPY (SELECT * FROM source.lineitem) TO 'out.parquet' (FORMAT parquet, \
             COMPRESSION zstd)\""
                .into(),
            Check::Files(
                format!("SELECT {LINEITEM_FACTS} FROM 'out.parquet'"),
                world.data.lineitem.clone(),
            ),
        ),
        Contender::new(
            "COPY BINARY → /dev/null",
            Role::Limit,
            "psql -XAt -d source -c \"\\copy lineitem to '/dev/null' (format binary)\"".into(),
            Check::Copied(rows),
        ),
        Contender::new(
            "COPY BINARY → /dev/null, 2 × by ctid",
            Role::Limit,
            format!("{} & {}; wait", half("<"), half(">=")),
            Check::Copied(rows),
        ),
    ]);
    Ok(workload)
}

/// Every row in the files of the target, by count and sums.
pub(super) fn in_lake(world: &World) -> Check {
    Check::Files(
        format!("SELECT {LINEITEM_FACTS} FROM '{LAKE}/lineitem/*.parquet'"),
        world.data.lineitem.clone(),
    )
}

/// Everything each time.
pub(super) const FULL: &[&str] = &["--replication-method", "FULL_TABLE"];

/// As DuckDB writes numbers: `6,001,215`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let grouped = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group));
    grouped.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        assert_eq!([7, 600_572, 6_001_215].map(grouped), ["7", "600,572", "6,001,215"]);
    }
}
