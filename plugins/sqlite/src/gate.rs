//! The one connection that writes: SQLite has one writer at a time, and so has this target.

use dstream_sdk::{Context, Error, Result};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::client::{Client, Loader};
use crate::window::Steps;

/// How long a wait goes on before it looks whether the run was cancelled.
const STEP: Duration = Duration::from_millis(100);

/// Lends the connection to one thread after the other.
#[derive(Default)]
pub(crate) struct Gate {
    place: Mutex<Place>,
    freed: Condvar,
}

#[derive(Default)]
struct Place {
    is_open: bool,
    /// `None` while it is lent.
    connection: Option<Lent>,
}

/// The connection, with the transaction that may be open on it.
struct Lent {
    client: Client,
    /// The writer whose window is being written ahead of its commit.
    ahead: Option<Ahead>,
}

/// A window that is written while it grows. Whoever needs the connection rolls it back: nothing is lost, for the window
/// keeps its batches until it is committed.
pub(crate) struct Ahead {
    pub(crate) writer: u64,
    /// How much of the window is written.
    pub(crate) steps: Steps,
    pub(crate) loader: Loader,
}

impl Gate {
    /// Puts a new connection in place of the old one.
    ///
    /// # Errors
    /// As `open`. `Cancelled`: the run ended while the old one was lent.
    pub(crate) fn replace(
        &self,
        context: &Context,
        open: impl FnOnce() -> Result<Client>,
    ) -> Result<Permit<'_>> {
        let mut place = self.place();
        while place.is_open && place.connection.is_none() {
            place = self.wait(place, context)?;
        }
        *place = Place::default();
        let client = open()?;
        place.is_open = true;
        Ok(Permit { gate: self, lent: Some(Lent { client, ahead: None }) })
    }

    /// Waits for the connection.
    ///
    /// # Errors
    /// `Cancelled`: the run ended. `Bug`: `begin` was not called.
    pub(crate) fn take(&self, context: &Context) -> Result<Permit<'_>> {
        let mut place = self.place();
        loop {
            match place.connection.take() {
                Some(lent) => return Ok(Permit { gate: self, lent: Some(lent) }),
                None if !place.is_open => return Err(Error::bug("the file is written before `begin`")),
                None => place = self.wait(place, context)?,
            }
        }
    }

    /// The connection, where nobody else has it or waits for it now.
    pub(crate) fn try_take(&self) -> Option<Permit<'_>> {
        let lent = self.place.try_lock().ok()?.connection.take()?;
        Some(Permit { gate: self, lent: Some(lent) })
    }

    /// Rolls back what the writer wrote ahead of its commit.
    pub(crate) fn forget(&self, writer: u64) {
        let mut place = self.place();
        // While the connection is lent, whoever has it makes an end of the transaction.
        if let Some(lent) = &mut place.connection
            && lent.ahead.as_ref().is_some_and(|ahead| ahead.writer == writer)
        {
            lent.ahead = None;
            lent.client.roll_back();
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&'g self, place: MutexGuard<'g, Place>, context: &Context) -> Result<MutexGuard<'g, Place>> {
        if context.is_cancelled() {
            return Err(Error::cancelled("stopped waiting for the other writers of the file"));
        }
        Ok(self.freed.wait_timeout(place, STEP).unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// The right to use the connection; goes back when it is dropped.
pub(crate) struct Permit<'g> {
    gate: &'g Gate,
    lent: Option<Lent>,
}

impl Permit<'_> {
    pub(crate) fn client(&self) -> &Client {
        &self.lent().client
    }

    /// The open transaction that `is_wanted`, unless SQLite has rolled it back; the caller puts it back with
    /// [`Permit::leave_open`] or commits. Any other is rolled back.
    pub(crate) fn take_ahead(&mut self, is_wanted: impl FnOnce(&Ahead) -> bool) -> Option<Ahead> {
        let ahead = self.lent.as_mut().and_then(|lent| lent.ahead.take());
        let wanted = ahead.filter(|ahead| self.client().is_in_transaction() && is_wanted(ahead));
        if wanted.is_none() {
            self.client().roll_back();
        }
        wanted
    }

    /// Keeps the transaction open for its writer.
    pub(crate) fn leave_open(&mut self, ahead: Ahead) {
        if let Some(lent) = &mut self.lent {
            lent.ahead = Some(ahead);
        }
    }

    fn lent(&self) -> &Lent {
        self.lent.as_ref().expect("a permit has the connection until it is dropped")
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else { return };
        // Whatever was not committed and belongs to nobody must not reach the next one.
        if lent.ahead.is_none() {
            lent.client.roll_back();
        }
        self.gate.place().connection = Some(lent);
        self.gate.freed.notify_one();
    }
}
