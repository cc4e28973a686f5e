//! One bucket: what can be asked of it, without waiting for it in a task.

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use dstream_sdk::{Auth, Context, Error, Result, StoreConnection, tracing};

use super::address::Address;
use super::client::{Client, client};
use super::fault;

/// Ranges that are so near to each other are read as one.
const COALESCED_BYTES: u64 = 1 << 20;
/// What is given up takes no longer than that.
const TIDY_LIMIT: Duration = Duration::from_secs(5);

/// The bucket.
pub(crate) struct Bucket {
    context: Context,
    client: Arc<dyn ObjectStore>,
    address: Address,
    secrets: Vec<String>,
}

/// An object, as it was when it was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen(ObjectMeta);

impl Seen {
    fn new(mut meta: ObjectMeta) -> Seen {
        quote_tag(&mut meta);
        Seen(meta)
    }

    pub(crate) fn key(&self) -> &str {
        self.0.location.as_ref()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.size
    }

    /// Another one once the object was written anew.
    pub(crate) fn stamp(&self) -> String {
        format!("{} {}", self.0.e_tag.as_deref().unwrap_or_default(), self.0.last_modified.to_rfc3339())
    }

    fn is_same(&self, now: &ObjectMeta) -> bool {
        let changed_later = self.0.e_tag.is_none() && self.0.last_modified != now.last_modified;
        self.0.size == now.size && self.0.e_tag == now.e_tag && !changed_later
    }
}

/// Azure leaves out the quotes of a tag in listings.
fn quote_tag(meta: &mut ObjectMeta) {
    meta.e_tag = meta.e_tag.take().map(|tag| if tag.ends_with('"') { tag } else { format!("\"{tag}\"") });
}

impl Bucket {
    /// Makes a client of the bucket. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `Config`: the service does not take this auth.
    pub(crate) fn new(
        context: Context,
        address: Address,
        connection: &StoreConnection,
        auth: &Auth,
    ) -> Result<Bucket> {
        let Client { store, secrets } = client(&address, connection, auth)?;
        Ok(Bucket { context, client: store, address, secrets })
    }

    /// A bucket in memory.
    #[cfg(test)]
    pub(crate) fn of_test(context: Context, client: Arc<dyn ObjectStore>, address: Address) -> Bucket {
        Bucket { context, client, address, secrets: Vec::new() }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn client(&self) -> &Arc<dyn ObjectStore> {
        &self.client
    }

    /// The whole name of a key, for messages.
    pub(crate) fn shown(&self, key: &str) -> String {
        self.address.shown_key(key)
    }

    /// The key of a name.
    ///
    /// # Errors
    /// `Unsupported`: a part of it is empty, or `..`.
    pub(crate) fn key(&self, name: &str) -> Result<Key> {
        let key = match self.address.service {
            super::Service::Http => Key::from_url_path(name),
            _ => Key::parse(name),
        };
        key.map_err(|error| self.failed("looking at", name)(error.into()))
    }

    pub(crate) fn failed(&self, doing: &str, key: &str) -> impl Fn(object_store::Error) -> Error {
        let (doing, place, secrets) = (doing.to_owned(), self.shown(key), self.secrets.clone());
        move |error| fault::request(&doing, &place, &error, &secrets)
    }

    /// Waits for an answer, or until the run is told to stop.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        let context = Context::current().unwrap_or_else(|| self.context.clone());
        dstream_sdk::block_on(&context, future)
    }

    /// Does something whether or not the run was told to stop, but not for long.
    pub(crate) fn tidy_up(&self, future: impl Future<Output = ()>) {
        let context = Context::detached(Arc::default());
        let outcome = dstream_sdk::block_on(&context, async {
            tokio::time::timeout(TIDY_LIMIT, future)
                .await
                .map_err(|_| Error::unavailable("it takes too long"))
        });
        if let Err(error) = outcome {
            tracing::debug!("parts of an upload stay where they are: {error}");
        }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask<T>(
        &self,
        doing: &str,
        key: &str,
        future: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T> {
        let failed = self.failed(doing, key);
        self.wait(async { future.await.map_err(failed) })
    }

    /// Looks at an object; `None` where there is none.
    pub(crate) fn look(&self, key: &Key) -> Result<Option<Seen>> {
        let failed = self.failed("looking at", key.as_ref());
        self.wait(async {
            match self.client.head(key).await {
                Ok(meta) => Ok(Some(Seen::new(meta))),
                // A bucket that there is not answers the same way: only a listing tells.
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) if fault::is_refused(&error) => {
                    // The answer has no body that would say why; that to a request for bytes has.
                    let why = self.client.get_range(key, 0..1).await.err();
                    Err(failed(why.unwrap_or(error)))
                }
                Err(error) => Err(failed(error)),
            }
        })
    }

    /// All objects beneath a folder; an empty name is that of the whole bucket.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<Seen>> {
        use futures_util::TryStreamExt;
        let key = self.key(folder)?;
        let prefix = (!folder.is_empty()).then_some(&key);
        let objects = self.client.list(prefix).map_ok(Seen::new).try_collect();
        self.ask("listing", folder, objects)
    }

    /// Reads a part of an object that is still the one that was found.
    ///
    /// # Errors
    /// `Data`: it is another one now.
    pub(crate) async fn part(self: &Arc<Bucket>, seen: &Seen, range: Range<u64>) -> Result<Bytes> {
        let key = seen.key();
        let failed = self.failed("reading", key);
        let etag = seen.0.e_tag.clone();
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            // A weak tag never matches.
            if_match: etag.filter(|etag| !etag.starts_with("W/")),
            ..GetOptions::default()
        };
        let gone = |error| match error {
            object_store::Error::NotFound { .. } => fault::changed(&self.shown(key)),
            error => failed(error),
        };
        let mut got = self.client.get_opts(&seen.0.location, options).await.map_err(gone)?;
        quote_tag(&mut got.meta);
        // Not every server looks at the condition.
        if !seen.is_same(&got.meta) || got.range != range {
            return Err(fault::changed(&self.shown(key)));
        }
        let bytes = got.bytes().await.map_err(&failed)?;
        match bytes.len() as u64 == range.end - range.start {
            true => Ok(bytes),
            false => Err(fault::changed(&self.shown(key))),
        }
    }

    /// Reads several parts, those that are near to each other at once.
    pub(crate) fn parts(self: &Arc<Bucket>, seen: &Seen, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.wait(object_store::coalesce_ranges(ranges, |range| self.part(seen, range), COALESCED_BYTES))
    }
}
