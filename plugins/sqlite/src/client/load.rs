//! Rows into tables, within the transaction of their window.

use arrow::array::RecordBatch;
use dstream_sdk::{Result, StreamPlan};
use std::collections::HashMap;
use std::sync::Arc;

use super::Client;
use super::insert::{Insert, names};
use crate::owner::check_owner;
use crate::quote::{aside_of, quote_ident};
use crate::table::{self, Fit, Shape};
use crate::window::{Kind, Run, Window};

/// What one transaction knows of the tables it has made ready; of no use after its end.
#[derive(Debug, Default)]
pub(crate) struct Loader {
    inserts: HashMap<(u64, Kind), Arc<Insert>>,
}

impl Loader {
    /// Makes the tables of the window and writes its rows.
    ///
    /// # Errors
    /// `Schema`, `Config`: a table cannot take them. `Data`: a value has no exact form.
    pub(crate) fn load_window(&mut self, client: &Client, window: &Window) -> Result<()> {
        self.make_tables(client, window)?;
        window.each(|kind, records| self.load(client, window, kind, records))
    }

    /// Writes the batch that the window grew by.
    ///
    /// # Errors
    /// As [`Loader::load_window`].
    pub(crate) fn load_last(
        &mut self,
        client: &Client,
        window: &Window,
        kind: Kind,
        records: &RecordBatch,
    ) -> Result<()> {
        self.make_tables(client, window)?;
        self.load(client, window, kind, records)
    }

    fn make_tables(&mut self, client: &Client, window: &Window) -> Result<()> {
        window.declared.iter().try_for_each(|kind| self.ready(client, window, *kind).map(drop))
    }

    fn load(&mut self, client: &Client, window: &Window, kind: Kind, records: &RecordBatch) -> Result<()> {
        let insert = self.ready(client, window, kind)?;
        let stream = &window.run.streams[kind.0 as usize].stream;
        client.insert(&insert, records).map_err(|error| error.stream(stream))
    }

    fn ready(&mut self, client: &Client, window: &Window, kind: Kind) -> Result<Arc<Insert>> {
        let run = &window.run;
        if let Some(insert) = self.inserts.get(&(run.writer, kind)) {
            return Ok(insert.clone());
        }
        let (plan, shape) = (&run.streams[kind.0 as usize], &window.shapes[&kind]);
        let insert =
            Arc::new(client.make_ready(run, plan, shape).map_err(|error| error.stream(&plan.stream))?);
        self.inserts.insert((run.writer, kind), insert.clone());
        Ok(insert)
    }
}

impl Client {
    /// Says early what making the table ready would say; changes nothing.
    ///
    /// # Errors
    /// `Schema`, `Config`: the table that is there cannot be written so.
    pub(crate) fn check_ready(&self, run: &Run, plan: &StreamPlan, shape: &Shape) -> Result<()> {
        let Some(found) = self.look(&plan.table)? else { return Ok(()) };
        let owner = self.owner(&plan.table)?;
        check_owner(&found.kind, owner.as_ref(), plan, &run.pipeline)?;
        match run.claim(plan).is_built_aside(owner.as_ref()) {
            false => table::fit(&found, shape, plan).map(drop),
            true => Ok(()),
        }
    }

    /// Makes or widens the table. Within a transaction.
    fn make_ready(&self, run: &Run, plan: &StreamPlan, shape: &Shape) -> Result<Insert> {
        let mut found = self.look(&plan.table)?;
        let mut owner = self.owner(&plan.table)?;
        let claim = run.claim(plan);
        match (&found, &owner) {
            (Some(found), _) => check_owner(&found.kind, owner.as_ref(), plan, &run.pipeline)?,
            (None, Some(owner)) => claim.check_gone(owner)?,
            (None, None) => {}
        }
        let mut name = plan.table.clone();
        if claim.is_built_aside(owner.as_ref()) {
            name = aside_of(&plan.table);
            owner = self.owner(&name)?;
            found = match &owner {
                Some(aside) if claim.is_of_this_copy(aside) => {
                    Some(self.look(&name)?.ok_or_else(|| claim.gone())?)
                }
                _ => {
                    self.drop_table(&name)?;
                    None
                }
            };
        }
        let fit = match &found {
            Some(found) => table::fit(found, shape, plan)?,
            None => {
                self.forget_table(&name)?;
                self.create_table(&name, shape, plan)?;
                Fit::of_new(shape)
            }
        };
        for at in &fit.add {
            let column = &shape.columns[*at];
            let declared = column.storage.declared();
            self.run(&format!(
                "ALTER TABLE {} ADD COLUMN {}{declared}",
                quote_ident(&name)?,
                quote_ident(&column.name)?
            ))?;
        }
        // A table that is shared keeps its first owner.
        let is_ours = owner.is_none_or(|owner| owner.pipeline == run.pipeline) || found.is_none();
        if is_ours {
            let arrow: Vec<_> = fit
                .arrow
                .iter()
                .map(|(at, arrow)| (shape.columns[*at].name.as_str(), arrow.as_str()))
                .collect();
            self.note_table(&name, &plan.stream, &claim.owner(), &arrow)?;
        }
        Insert::new(&name, shape, plan, &fit)
    }

    pub(super) fn drop_table(&self, name: &str) -> Result<()> {
        self.run(&format!("DROP TABLE IF EXISTS {}", quote_ident(name)?))?;
        self.forget_table(name)
    }

    fn create_table(&self, name: &str, shape: &Shape, plan: &StreamPlan) -> Result<()> {
        let keys = shape.keys(plan)?;
        let mut parts = Vec::with_capacity(shape.columns.len() + 1);
        for (at, column) in shape.columns.iter().enumerate() {
            let not_null = if keys.contains(&at) { " NOT NULL" } else { "" };
            parts.push(format!("{}{}{not_null}", quote_ident(&column.name)?, column.storage.declared()));
        }
        if !keys.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", names(shape, &keys)?));
        }
        self.run(&format!("CREATE TABLE {} ({})", quote_ident(name)?, parts.join(", ")))
    }
}
