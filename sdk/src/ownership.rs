//! Who writes a table, and which copy of its stream it holds: rules that every target of tables keeps.

use crate::{Error, Result, StreamPlan, WriteMode};

/// What a target notes of a table that it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableOwner {
    /// The pipeline that made it.
    pub pipeline: String,
    /// The copy of the stream that it holds.
    pub generation: u64,
    /// The run that made it, or went on with it.
    pub epoch: u64,
}

impl TableOwner {
    /// Checks that a pipeline may write to a table that is there.
    ///
    /// # Errors
    /// `Config`: it belongs to somebody else.
    pub fn check(owner: Option<&TableOwner>, plan: &StreamPlan, pipeline: &str) -> Result<()> {
        let table = &plan.table;
        let of = |owner: &TableOwner| {
            Error::config(format!("the table `{table}` belongs to the pipeline `{}`", owner.pipeline))
        };
        match owner {
            Some(owner) if owner.pipeline == pipeline => Ok(()),
            Some(owner) if plan.write_mode == WriteMode::Overwrite => Err(of(owner)
                .hint("overwriting would take its rows: choose another name with the option `table`")),
            _ if plan.write_mode_is_explicit => Ok(()),
            Some(owner) => Err(of(owner).hint(
                "set the option `write_mode` to share it, or choose another name with the option `table`",
            )),
            None => Err(Error::config(format!(
                "the table `{table}` is there already, and this pipeline did not make it"
            ))
            .hint(
                "set the option `write_mode` to write to it, or choose another name with the option `table`",
            )),
        }
    }
}

/// A run that is about to write a stream into its table.
///
/// ```
/// use dstream_sdk::{ReplicationMethod, StreamPlan, TableClaim, WriteMode};
///
/// let plan = StreamPlan {
///     stream: "orders".into(),
///     table: "orders".into(),
///     write_mode: WriteMode::Overwrite,
///     write_mode_is_explicit: false,
///     key_properties: vec![],
///     replication_method: ReplicationMethod::FullTable,
///     generation: 2,
///     resumed: false,
/// };
/// let claim = TableClaim { pipeline: "shop/copy", epoch: 7, plan: &plan };
/// // The table of generation 1 stays what it is until that of generation 2 is complete.
/// assert!(claim.is_built_aside(None));
/// assert!(!claim.is_built_aside(Some(&claim.owner())));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TableClaim<'a> {
    /// Its pipeline.
    pub pipeline: &'a str,
    /// Its epoch, as `begin` answered.
    pub epoch: u64,
    /// The stream.
    pub plan: &'a StreamPlan,
}

impl TableClaim<'_> {
    /// What is noted of the table from now on.
    pub fn owner(&self) -> TableOwner {
        TableOwner { pipeline: self.pipeline.to_owned(), generation: self.plan.generation, epoch: self.epoch }
    }

    /// Whether rows go into a table aside: a generation that overwrites does until it is published; what is read of it later
    /// goes into the table.
    pub fn is_built_aside(&self, owner: Option<&TableOwner>) -> bool {
        let is_published = owner.is_some_and(|owner| self.is_of_this_copy(owner));
        self.plan.write_mode == WriteMode::Overwrite && !is_published
    }

    /// Whether rows of this generation are in a table already: of this run, or of one that this run goes on with.
    pub fn is_of_this_copy(&self, owner: &TableOwner) -> bool {
        owner.pipeline == self.pipeline
            && owner.generation == self.plan.generation
            && (self.plan.resumed || owner.epoch == self.epoch)
    }

    /// Checks that a table which is gone held nothing that this run builds on.
    ///
    /// # Errors
    /// `Schema`: it did.
    pub fn check_gone(&self, owner: &TableOwner) -> Result<()> {
        match self.plan.resumed && self.is_of_this_copy(owner) {
            true => Err(self.gone()),
            false => Ok(()),
        }
    }

    /// The error where rows are missing that no run reads again.
    pub fn gone(&self) -> Error {
        let table = &self.plan.table;
        Error::schema(format!("the table `{table}` is gone, and with it rows that are not read again"))
            .hint("run with `--full-refresh` to read the stream from its start")
    }
}

/// Where the key columns of an upsert stand, by what `find` says of a name; none for the other modes.
///
/// # Errors
/// `Config`: no key, or one that is no column.
pub fn upsert_keys(plan: &StreamPlan, find: impl Fn(&str) -> Option<usize>) -> Result<Vec<usize>> {
    if plan.write_mode != WriteMode::Upsert {
        return Ok(Vec::new());
    }
    if plan.key_properties.is_empty() {
        return Err(Error::config("upsert needs key columns, and the stream has none")
            .hint("name them with `dstreams catalog set … --key`, or choose another `write_mode`"));
    }
    let place = |key: &String| {
        find(key).ok_or_else(|| {
            Error::config(format!("the key column `{key}` is not among the columns of the stream"))
                .hint("select it with `dstreams catalog select`")
        })
    };
    plan.key_properties.iter().map(place).collect()
}
