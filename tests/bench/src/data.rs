//! The tables of TPC-H that are moved, as files, and what has to arrive of them.

use anyhow::{Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

use crate::output::line;
use crate::python::Python;
use crate::shell::output;

/// Rows and sums of `lineitem`, the same text from DuckDB and from PostgreSQL.
pub(crate) const LINEITEM_FACTS: &str = "count(*), sum(l_quantity::numeric(15,2)), \
     sum(l_extendedprice::numeric(15,2)), sum(l_orderkey)";
/// The same of `orders`.
pub(crate) const ORDERS_FACTS: &str = "count(*), sum(o_orderkey), sum(o_totalprice::numeric(15,2))";

/// Files of one scale, relative to the folder that everything runs in.
pub(crate) struct Data {
    /// `lineitem` as CSV.
    pub(crate) lineitem_csv: String,
    /// `orders` as CSV.
    pub(crate) orders_csv: String,
    /// `lineitem` as JSON lines.
    pub(crate) lineitem_jsonl: String,
    /// `lineitem` as Parquet.
    pub(crate) lineitem_parquet: String,
    /// The folder of all of them.
    pub(crate) folder: String,
    /// The folder of the CSV files.
    pub(crate) csv: String,
    /// [`LINEITEM_FACTS`].
    pub(crate) lineitem: String,
    /// [`ORDERS_FACTS`].
    pub(crate) orders: String,
}

impl Data {
    /// Makes them in `folder`, unless they are there.
    pub(crate) fn make(folder: &Path, python: &Python, scale: f64) -> Result<Data> {
        ensure!(scale > 0.0, "`--scale` is above 0: 1 is 6 million rows");
        let name = format!("data-{scale}");
        if !folder.join(&name).exists() {
            line(&format!("making TPC-H data of scale {scale}"));
            // Whole under its name, or not there.
            let unfinished: PathBuf = folder.join("data-unfinished");
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
            for form in ["csv", "parquet"] {
                let mut tpchgen = python.command("tpchgen-cli");
                tpchgen.args([form, "-s", &scale.to_string(), "-T", "lineitem,orders", "-o"]);
                output(tpchgen.arg(unfinished.join(form)))?;
            }
            fs::rename(unfinished, folder.join(&name))?;
        }
        let lineitem_parquet = format!("{name}/parquet/lineitem.parquet");
        let lineitem_jsonl = format!("{name}/jsonl/lineitem.jsonl");
        if !folder.join(&lineitem_jsonl).exists() {
            line("writing it as JSON lines");
            fs::create_dir_all(folder.join(&name).join("jsonl"))?;
            let unfinished = format!("{name}/jsonl/unfinished");
            let copy = format!("COPY (FROM '{lineitem_parquet}') TO '{unfinished}' (FORMAT json)");
            python.query(folder, &copy)?;
            fs::rename(folder.join(unfinished), folder.join(&lineitem_jsonl))?;
        }
        let facts = |what: &str, file: &str| python.query(folder, &format!("SELECT {what} FROM '{file}'"));
        Ok(Data {
            lineitem: facts(LINEITEM_FACTS, &lineitem_parquet)?,
            orders: facts(ORDERS_FACTS, &format!("{name}/parquet/orders.parquet"))?,
            lineitem_csv: format!("{name}/csv/lineitem.csv"),
            orders_csv: format!("{name}/csv/orders.csv"),
            csv: format!("{name}/csv"),
            lineitem_parquet,
            lineitem_jsonl,
            folder: name,
        })
    }

    /// Rows, sum of quantities and sum of keys of `lineitem`: sums that a double holds exactly.
    pub(crate) fn lineitem_small(&self) -> String {
        let facts: Vec<&str> = self.lineitem.split('|').collect();
        [facts[0], facts[1], facts[3]].join("|")
    }

    /// How many rows `lineitem` has.
    pub(crate) fn lineitem_rows(&self) -> u64 {
        rows(&self.lineitem)
    }
}

/// The count that facts begin with.
pub(crate) fn rows(facts: &str) -> u64 {
    facts.split('|').next().and_then(|count| count.parse().ok()).unwrap_or_default()
}
