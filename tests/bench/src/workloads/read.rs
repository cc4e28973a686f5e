//! PostgreSQL → Parquet. Until `dstreams` writes Parquet, its reading half against that of DuckDB.

use anyhow::Result;

use super::NO_TAP;
use crate::data::LINEITEM_FACTS;
use crate::dstreams::Dstreams;
use crate::workload::{Check, Contender, Goal, Role, Workload};
use crate::world::World;

const DRAINED: &str = "duckdb, read and dropped";

pub(crate) fn from_postgres(world: &World, dstreams: &Dstreams) -> Result<Workload> {
    let rows = world.data.lineitem_rows();
    let middle = world.middle_of_lineitem()?;
    let mut workload = Workload {
        number: 1,
        title: "PostgreSQL → Parquet: the reading half",
        rows,
        contenders: Vec::new(),
        goals: Vec::new(),
        notes: vec!["dstreams → Parquet: with the files work; its goal is 0.85 × DuckDB to Parquet".into()],
    };
    if dstreams.tap {
        dstreams.catalog(world, "source.json", "read.json", "public.lineitem", FULL)?;
        workload.contenders.push(Contender::new(
            "dstreams → blackhole",
            Role::Dstreams,
            Dstreams::sync("source.json", "blackhole.json", "read.json"),
            Check::Committed(rows),
        ));
        workload.goals.push(Goal { of: "dstreams → blackhole", against: DRAINED, at_most: 0.85 });
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
            "duckdb → Parquet, zstd",
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
