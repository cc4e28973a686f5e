//! Tables are made and widened: in transactions of their own, or in that of the window that needs it.

use dstream_sdk::{Error, Result, StreamPlan, tracing, unique_columns};

use super::control::{self, Fence};
use super::look::look;
use super::older::find_holder;
use super::options::TargetSettings;
use super::route::{Pair, Route};
use crate::client::{Client, LOCK_NOT_AVAILABLE};
use crate::quote::quote;
use crate::table::{Found, Owner, REBUILD, Run, Shape, aside_of, check_owner};
use crate::types::{Definition, Fit, Types, WriteColumn, declared_type, fit};

/// Makes the table of a stream ready, and says how rows get there. Where no transaction is open, one of its own.
///
/// # Errors
/// `Schema`, `Config`: the table that is there cannot take the stream. `Fenced`: a newer run owns the pipeline.
/// `Unavailable`: another session holds the table.
pub(crate) fn make_ready(
    client: &mut Client,
    settings: &TargetSettings,
    run: &Run,
    plan: &StreamPlan,
    shape: &Shape,
) -> Result<Route> {
    let is_own = !client.is_in_transaction();
    if is_own {
        client.run("BEGIN")?;
    }
    let made = Maker { client, settings, run, plan, shape }.make().and_then(|route| {
        let hold = if is_own { Fence::Hold } else { Fence::Look };
        control::check_epoch(client, settings, &run.pipeline, run.epoch, hold)?;
        if is_own {
            client.run("COMMIT")?;
        }
        Ok(route)
    });
    if made.is_err() {
        // The error that is told is the first one.
        let _ = client.roll_back();
    }
    made.map_err(|error| name_holder(client, settings, &plan.table, error))
}

/// Says who keeps the table from being altered.
fn name_holder(client: &mut Client, settings: &TargetSettings, table: &str, error: Error) -> Error {
    if error.vendor() != LOCK_NOT_AVAILABLE || client.is_lost() {
        return error;
    }
    let holder = settings.qualified(table).and_then(|name| find_holder(client, &name));
    match holder {
        Ok(Some(holder)) => {
            error.hint(format!("{holder}: wait for it, or raise `lock_ms` of the option `timeouts`"))
        }
        _ => error,
    }
}

struct Maker<'a> {
    client: &'a mut Client,
    settings: &'a TargetSettings,
    run: &'a Run,
    plan: &'a StreamPlan,
    shape: &'a Shape,
}

impl Maker<'_> {
    fn make(&mut self) -> Result<Route> {
        let (run, plan, settings) = (self.run, self.plan, self.settings);
        control::lock_schema(self.client, settings)?;
        let mut found = look(self.client, settings, &plan.table)?;
        let mut owner = control::find_owner(self.client, settings, &plan.table)?;
        let claim = run.claim(plan);
        let table_owner = owner.as_ref().map(|owner| &owner.table);
        match (&found, table_owner) {
            (Some(found), owner) => check_owner(found, owner, plan, &run.pipeline)?,
            (None, Some(owner)) => claim.check_gone(owner)?,
            (None, None) => {}
        }
        let mut name = plan.table.clone();
        if claim.is_built_aside(table_owner) {
            if let Some(found) = &found {
                // Should it be kept, rows without such a column could not enter.
                found.check(self.shape, &[], plan).map_err(|error| {
                    error.hint(
                        "change that in the table, drop it, or choose another name with the option `table`",
                    )
                })?;
            }
            name = aside_of(&plan.table);
            owner = control::find_owner(self.client, settings, &name)?;
            found = match &owner {
                Some(aside) if claim.is_of_this_copy(&aside.table) => {
                    Some(look(self.client, settings, &name)?.ok_or_else(|| claim.gone())?)
                }
                _ => {
                    self.client.run(&format!("DROP TABLE IF EXISTS {}", settings.qualified(&name)?))?;
                    None
                }
            };
        }
        let keys = self.shape.keys(plan)?;
        let is_new = found.is_none();
        let found = match found {
            Some(found) => found,
            None => self.create(&name, &keys)?,
        };
        let before = owner.filter(|_| !is_new);
        let (found, columns) = self.fit(&name, found, &keys)?;
        // A table that is shared keeps its first owner.
        if before.as_ref().is_none_or(|owner| owner.table.pipeline == run.pipeline) {
            self.note(&name, before.as_ref())?;
        }
        let gone = before.into_iter().flat_map(|owner| owner.columns).filter(|column| {
            self.shape.find(column).is_none() && found.column(column).is_some_and(|it| !it.is_generated)
        });
        let gone = gone.collect();
        let is_first_copy = self.is_first_copy(&name, &found, &keys)?;
        let pair =
            Pair { plan, shape: self.shape, keys: &keys, table: &name, found: &found, gone, is_first_copy };
        Route::new(settings, &pair, columns)
    }

    /// Whether rows need not be merged: nothing is in the table but what this run brings, the source says that its keys
    /// differ, and the table's index makes sure.
    fn is_first_copy(&mut self, name: &str, found: &Found, keys: &[usize]) -> Result<bool> {
        let schema = &self.shape.schema;
        let unique = unique_columns(schema);
        let is_key = |column: &String| keys.iter().any(|key| schema.field(*key).name() == column);
        let tells_apart = !unique.is_empty() && unique.iter().all(is_key);
        // What a statement would refuse or do besides, a COPY does not.
        let is_plain = !found.has_rules
            && !found.has_triggers
            && !found.columns.iter().any(|column| column.is_identity_always);
        if !tells_apart || !is_plain || self.settings.delete_column.is_some() {
            return Ok(false);
        }
        let sql = format!("SELECT 1 FROM {} LIMIT 1", self.settings.qualified(name)?);
        self.run.first_copies.is_one(name, || Ok(self.client.query(&sql, &[])?.is_empty()))
    }

    fn note(&mut self, name: &str, before: Option<&Owner>) -> Result<()> {
        let mut columns: Vec<String> = before.map(|owner| owner.columns.clone()).unwrap_or_default();
        columns.extend(self.shape.names().map(str::to_owned));
        columns.sort();
        columns.dedup();
        let owner = Owner { table: self.run.claim(self.plan).owner(), columns };
        match before == Some(&owner) {
            true => Ok(()),
            false => control::note_table(self.client, self.settings, name, &self.plan.stream, &owner),
        }
    }

    fn create(&mut self, name: &str, keys: &[usize]) -> Result<Found> {
        let mut parts = Vec::with_capacity(self.shape.schema.fields().len() + 1);
        for at in (0..self.shape.schema.fields().len()).filter(|at| !self.shape.has_no_type_yet(*at, keys)) {
            parts.push(self.definition(at)?);
        }
        if !keys.is_empty() {
            let names = keys.iter().map(|key| quote(self.shape.schema.field(*key).name()));
            parts.push(format!("PRIMARY KEY ({})", names.collect::<Result<Vec<_>>>()?.join(", ")));
        }
        let table = self.settings.qualified(name)?;
        self.client.run(&format!("CREATE TABLE {table} ({})", parts.join(", ")))?;
        self.look_again(name)
    }

    /// The column in CREATE TABLE and ADD COLUMN, once the types that it needs are there.
    fn definition(&mut self, at: usize) -> Result<String> {
        let field = self.shape.schema.field(at);
        let in_column = |error: Error| error.context(format!("column `{}`", field.name()));
        let declared =
            declared_type(field, &self.settings.schema, self.client.version()).map_err(in_column)?;
        for definition in &declared.definitions {
            self.define(definition).map_err(in_column)?;
        }
        Ok(format!("{} {}", quote(field.name())?, declared.sql))
    }

    fn define(&mut self, definition: &Definition) -> Result<()> {
        let sql =
            "SELECT 1 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                   WHERE n.nspname = $1::text AND t.typname = $2::text";
        if !self.client.query(sql, &[&self.settings.schema, &definition.name])?.is_empty() {
            return Ok(());
        }
        let name = self.settings.qualified(&definition.name)?;
        self.client.run(&format!("CREATE {} {name} {}", definition.keyword, definition.body))
    }

    fn look_again(&mut self, name: &str) -> Result<Found> {
        look(self.client, self.settings, name)?
            .ok_or_else(|| Error::unavailable(format!("somebody dropped the table `{name}` just now")))
    }

    /// Adds and widens what is missing, and says how the values of each column are sent; `None`: they are not.
    fn fit(
        &mut self,
        name: &str,
        mut found: Found,
        keys: &[usize],
    ) -> Result<(Found, Vec<Option<WriteColumn>>)> {
        found.check(self.shape, keys, self.plan)?;
        let is_added = self.add_columns(name, &found, keys)?;
        if is_added {
            found = self.look_again(name)?;
        }
        let (columns, wider) = self.compare(&found)?;
        if wider.is_empty() {
            return Ok((found, columns));
        }
        for (column, wider) in &wider {
            self.widen(name, column, wider)?;
        }
        found = self.look_again(name)?;
        match self.compare(&found)? {
            (columns, wider) if wider.is_empty() => Ok((found, columns)),
            (_, wider) => Err(Error::bug(format!(
                "the column `{}` is to be widened for ever",
                wider.first().map_or("", |(column, _)| column)
            ))),
        }
    }

    fn add_columns(&mut self, name: &str, found: &Found, keys: &[usize]) -> Result<bool> {
        let shape = self.shape;
        let missing: Vec<usize> = (0..shape.schema.fields().len())
            .filter(|at| found.column(shape.schema.field(*at).name()).is_none())
            .filter(|at| !shape.has_no_type_yet(*at, keys))
            .collect();
        if let Some(key) = keys.iter().find(|key| missing.contains(key)) {
            let column = shape.schema.field(*key).name();
            return Err(Error::schema(format!(
                "the table `{}` has no key column `{column}`",
                self.plan.table
            ))
            .hint(REBUILD));
        }
        let mut parts = Vec::new();
        for at in &missing {
            parts.push(format!("ADD COLUMN {}", self.definition(*at)?));
        }
        if !parts.is_empty() {
            let table = self.settings.qualified(name)?;
            self.client.run(&format!("ALTER TABLE {table} {}", parts.join(", ")))?;
        }
        Ok(!parts.is_empty())
    }

    /// What each column takes, and which have to be wider.
    #[expect(clippy::type_complexity, reason = "two lists that are made in one walk")]
    fn compare(&mut self, found: &Found) -> Result<(Vec<Option<WriteColumn>>, Vec<(String, String)>)> {
        let types = Types::load(self.client, found.columns.iter().map(|column| column.oid))?;
        let (mut columns, mut wider) = (Vec::new(), Vec::new());
        for field in self.shape.schema.fields() {
            let Some(column) = found.column(field.name()) else {
                // It has no type yet, and no value.
                columns.push(None);
                continue;
            };
            if column.is_generated {
                tracing::warn!(
                    stream = self.plan.stream,
                    column = column.name,
                    "the server computes this column, and the values of the stream are left out"
                );
                columns.push(None);
                continue;
            }
            match fit(&types, field, column.oid, column.modifier)? {
                Fit::Fits(column) => columns.push(Some(column)),
                Fit::Widen(sql) => wider.push((column.name.clone(), sql)),
                Fit::Refused(why) => {
                    let why = why.replace("pg_catalog.", "");
                    return Err(Error::schema(format!(
                        "the column `{}` of the table `{}` {why} to take the values of the stream",
                        column.name, self.plan.table
                    ))
                    .hint(format!("alter the column, or {REBUILD}")));
                }
            }
        }
        Ok((columns, wider))
    }

    fn widen(&mut self, name: &str, column: &str, wider: &str) -> Result<()> {
        let table = self.settings.qualified(name)?;
        tracing::info!(stream = self.plan.stream, column, wider, "a column is widened");
        let sql = format!("ALTER TABLE {table} ALTER COLUMN {} TYPE {wider}", quote(column)?);
        self.client.run(&sql).map_err(|error| match error.kind() {
            dstream_sdk::ErrorKind::Unavailable => error,
            _ => Error::schema(format!(
                "the column `{column}` of the table `{}` has to become `{wider}`, and cannot: {}",
                self.plan.table,
                error.message()
            ))
            .hint("drop what depends on the column, let the run widen it, and make it again"),
        })
    }
}
