//! What is durable.

use dstream_abi::{
    Begun, Commit, CommitRecord, ConnectorConfig, Context, Error, OpenTarget, Pipeline, Result, StreamPlan,
    Target, WriteMode, WriteRequest, Writer,
};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Settings;
use super::store::{Row, Store};
use super::writer::AstrayWriter;

static TOKENS: AtomicU64 = AtomicU64::new(1);

/// The target.
pub(crate) struct AstrayTarget(Arc<Shared>);

/// What it has in common with its writers.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    prepared: Mutex<HashMap<String, Window>>,
    /// Rows that writers left when they were dropped; only one of the faults looks at them.
    pub(crate) left: Mutex<Vec<Row>>,
    /// The run that has begun last.
    run: Mutex<Option<String>>,
}

/// A window that waits for its commit.
#[derive(Clone)]
pub(crate) struct Window {
    pub(crate) plan: StreamPlan,
    pub(crate) rows: Vec<Row>,
}

impl Shared {
    pub(crate) fn has(&self, fault: &str) -> bool {
        self.settings.has(fault)
    }

    fn windows(&self) -> MutexGuard<'_, HashMap<String, Window>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a window before anybody has committed it.
    pub(crate) fn write_at_once(&self, window: &Window) -> Result<()> {
        let mut store = Store::open(&self.settings.folder)?;
        write_window(self, &mut store, window);
        store.save()
    }

    /// Keeps a window; answers how it is called.
    pub(crate) fn keep(&self, window: Window) -> String {
        let token = match self.has("loses_second_writer") {
            true => window.plan.table.clone(),
            false => TOKENS.fetch_add(1, Ordering::Relaxed).to_string(),
        };
        self.windows().insert(token.clone(), window);
        token
    }
}

impl OpenTarget for AstrayTarget {
    fn open(_: Context, config: ConnectorConfig) -> Result<AstrayTarget> {
        let settings = Settings::read(&config)?;
        Ok(AstrayTarget(Arc::new(Shared {
            settings,
            prepared: Mutex::default(),
            left: Mutex::default(),
            run: Mutex::default(),
        })))
    }
}

impl Target for AstrayTarget {
    fn check(&self) -> Result<()> {
        self.0.settings.check()
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<Begun> {
        let mut store = Store::open(&self.0.settings.folder)?;
        let name = self.name_of(&pipeline.pipeline);
        let mut run = self.0.run.lock().unwrap_or_else(PoisonError::into_inner);
        let is_again = run.as_ref() == Some(&pipeline.run) && !self.0.has("takes_over_again");
        if is_again && store.run(name) != pipeline.run {
            return Err(Error::fenced("a newer run owns the pipeline"));
        }
        *run = Some(pipeline.run.clone());
        let rise = u64::from(!(self.0.has("epoch_stays") && store.epoch(name) > 0));
        let epoch = store.epoch(name) + rise;
        store.set_epoch(name, epoch, &pipeline.run);
        let mut records = store.records(name);
        store.save()?;
        if self.0.has("alters_records") {
            records.iter_mut().for_each(|record| record.value = serde_json::Value::Null);
        }
        if self.0.has("forgets_records") {
            records.clear();
        }
        Ok(Begun { epoch, records, window: None })
    }

    fn open_writer(&self, context: Context, request: WriteRequest) -> Result<Box<dyn Writer>> {
        let plan = request.streams.first().ok_or_else(|| Error::bug("a partition without a stream"))?;
        let appends_only = self.0.settings.type_name == "astray-append" && !self.0.has("takes_any_mode");
        if appends_only && plan.write_mode != WriteMode::Append {
            return Err(Error::unsupported("the one write mode is `append`"));
        }
        let plan = plan.clone();
        Ok(Box::new(AstrayWriter::new(self.0.clone(), context, plan, request.buffer_bytes)))
    }

    fn commit(&self, commit: &Commit) -> Result<()> {
        let shared = &self.0;
        let mut store = Store::open(&shared.settings.folder)?;
        let name = self.name_of(&commit.pipeline);
        if store.epoch(name) != commit.epoch && !shared.has("ignores_fence") {
            return Err(Error::fenced("a newer run owns the pipeline"));
        }
        if shared.has("empty_window_fails") && commit.windows.is_empty() {
            return Err(Error::data("a commit without windows"));
        }
        if self.is_done(&store.records(name), commit)? {
            return Ok(());
        }
        for window in &commit.windows {
            let token = window.prepared.message.as_str().unwrap_or_default();
            let mut windows = shared.windows();
            let found = match shared.has("doubles_commit") {
                true => windows.get(token).cloned(),
                false => windows.remove(token),
            };
            drop(windows);
            if let Some(window) = found {
                write_window(shared, &mut store, &window);
            }
        }
        for plan in &commit.publish {
            publish(shared, &mut store, plan);
        }
        for record in &commit.records {
            store.put_record(name, record);
        }
        store.save()
    }
}

impl AstrayTarget {
    fn name_of<'a>(&self, pipeline: &'a str) -> &'a str {
        if self.0.has("mixes_pipelines") { "all" } else { pipeline }
    }

    /// Whether the commit was done before.
    fn is_done(&self, stored: &[CommitRecord], commit: &Commit) -> Result<bool> {
        for record in &commit.records {
            let before = stored.iter().find(|stored| stored.key == record.key);
            let before = before.map_or(0, |stored| stored.sequence);
            if before == record.sequence {
                return Ok(!self.0.has("doubles_commit"));
            }
            if before + 1 != record.sequence && !self.0.has("accepts_gap") {
                return Err(Error::bug(format!("sequence {} after {before}", record.sequence)));
            }
        }
        Ok(false)
    }
}

fn write_window(shared: &Shared, store: &mut Store, window: &Window) {
    let Window { plan, rows } = window;
    let mut left = shared.left.lock().unwrap_or_else(PoisonError::into_inner);
    let more: Vec<Row> = std::mem::take(&mut *left).into_iter().chain(rows.iter().cloned()).collect();
    let is_published = store.generation("tables", &plan.table) == plan.generation;
    if plan.write_mode == WriteMode::Overwrite && !is_published && !shared.has("publishes_at_once") {
        let mut all = store.rows("aside", &plan.table);
        let is_of_this = store.generation("aside", &plan.table) == plan.generation;
        if (!is_of_this && !shared.has("keeps_aside_of_older"))
            || (plan.resumed && shared.has("forgets_aside"))
        {
            all.clear();
        }
        all.extend(more);
        store.put_rows("aside", &plan.table, plan.generation, &all);
        return;
    }
    let mut all = store.rows("tables", &plan.table);
    for row in more {
        let is_keyed = plan.write_mode == WriteMode::Upsert && !shared.has("upsert_appends");
        match all.iter_mut().find(|old| is_keyed && old.0 == row.0) {
            Some(_) if shared.has("upsert_keeps_oldest") => {}
            Some(old) => *old = row,
            None => all.push(row),
        }
    }
    let generation = store.generation("tables", &plan.table);
    store.put_rows("tables", &plan.table, generation, &all);
}

fn publish(shared: &Shared, store: &mut Store, plan: &StreamPlan) {
    if shared.has("publishes_at_once") {
        return;
    }
    let mut rows = store.rows("aside", &plan.table);
    if shared.has("publish_appends") {
        rows.extend(store.rows("tables", &plan.table));
    }
    store.put_rows("tables", &plan.table, plan.generation, &rows);
    store.put_rows("aside", &plan.table, 0, &[]);
}
