//! A store that fails at one of its calls, before it does what it is asked or after.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dstream_sdk::{Error, Result};

use crate::store::{Listed, Lock, Staged, Step, Store};

/// When it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// Counts down with every call that changes something; at 0 that call fails, and so does every later one: the run has ended.
pub(super) struct Faulty {
    store: Arc<dyn Store>,
    left: Arc<AtomicI64>,
    when: When,
}

impl Faulty {
    pub(super) fn new(store: Arc<dyn Store>, left: Arc<AtomicI64>, when: When) -> Faulty {
        Faulty { store, left, when }
    }

    fn call<T>(&self, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let gone = || Error::unavailable("the fault of this test");
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            0 if self.when == When::After => call().and(Err(gone())),
            left if left > 0 => call(),
            _ => Err(gone()),
        }
    }
}

impl Store for Faulty {
    fn shown(&self, name: &str) -> String {
        self.store.shown(name)
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        self.store.list(folder)
    }

    fn bytes(&self, name: &str) -> Result<Option<u64>> {
        self.store.bytes(name)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.store.read(name)
    }

    fn create_new(&self, name: &str, bytes: &[u8], drafts: &str) -> Result<bool> {
        self.call(|| self.store.create_new(name, bytes, drafts))
    }

    fn stage(&self, name: &str) -> Result<Box<dyn Staged>> {
        self.call(|| self.store.stage(name))
    }

    fn sync_folder(&self, folder: &str) -> Result<()> {
        self.call(|| self.store.sync_folder(folder))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.call(|| self.store.remove(name))
    }

    fn carry_out(&self, step: &Step) -> Result<()> {
        self.call(|| self.store.carry_out(step))
    }

    fn lock(&self, name: &str) -> Result<Box<dyn Lock>> {
        self.store.lock(name)
    }
}
