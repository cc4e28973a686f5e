//! A bucket of an object store, beneath the beginning of its keys.
//!
//! There are no folders, names are not changed but by a copy, and nothing is appended to. An object is there as a whole and
//! durable from its first moment, and one can be made only where there is none: that is all the log needs. There is no lock
//! either; runs are fenced by the numbers of entries alone.

mod create; // an object where there is none yet
mod upload; // an object on its way

use object_store::path::Path as Key;
use object_store::{Error as Fault, ObjectStore, ObjectStoreExt, PutPayload};
use std::sync::Arc;

use dstream_sdk::{Error, Result};

use super::{Listed, Lock, Staged, Step, Store};
use crate::remote::{Bucket, Service};
use upload::Upload;

/// Requests at once, where a step has many of them.
const REQUESTS_AT_ONCE: usize = 8;

/// The bucket.
pub(crate) struct Objects {
    bucket: Arc<Bucket>,
    /// What all keys begin with: empty, or with a slash at its end.
    prefix: String,
}

impl Objects {
    /// # Errors
    /// `Unsupported`: the place in the bucket has a name that no object can have.
    pub(crate) fn new(bucket: Arc<Bucket>) -> Result<Objects> {
        let folder = bucket.address().key.trim_end_matches('/').to_owned();
        if folder.contains(['*', '?', '[', '{']) {
            return Err(Error::config("`connection.url` is a glob, and a target writes to one place")
                .hint("write it without `*`, `?`, `[` and `{`"));
        }
        bucket.key(&folder)?;
        let prefix = if folder.is_empty() { folder } else { format!("{folder}/") };
        Ok(Objects { bucket, prefix })
    }

    /// Makes an object and removes it again: the only sure way to know that it can be done.
    pub(crate) fn check(&self) -> Result<()> {
        let name = format!("_dstreams/check-{:x}", std::process::id());
        self.list("_dstreams")?;
        let key = self.key(&name)?;
        self.bucket.ask("writing", key.as_ref(), self.client().put(&key, PutPayload::new()))?;
        self.remove(&name)
    }

    fn client(&self) -> &Arc<dyn ObjectStore> {
        self.bucket.client()
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn key(&self, name: &str) -> Result<Key> {
        self.bucket.key(&self.name(name))
    }

    /// Copies a staged object to its name; what was done before is done.
    async fn publish(&self, from: &Key, to: &Key) -> Result<()> {
        match self.client().copy(from, to).await {
            Ok(()) if self.bucket.address().service == Service::Azure => self.check_copied(from, to).await,
            Ok(()) => Ok(()),
            Err(Fault::NotFound { .. }) => match self.client().head(to).await {
                Ok(_) => Ok(()),
                Err(Fault::NotFound { .. }) => Err(super::gone(&self.bucket.shown(from.as_ref()))),
                Err(error) => Err(self.bucket.failed("looking at", to.as_ref())(error)),
            },
            Err(error) => Err(self.bucket.failed("copying to", to.as_ref())(error)),
        }
    }

    /// Azure may say that a copy is made before it is: what is copied must not be removed then.
    async fn check_copied(&self, from: &Key, to: &Key) -> Result<()> {
        let failed = self.bucket.failed("looking at", to.as_ref());
        let (source, copy) = (self.client().head(from).await, self.client().head(to).await);
        let (source, copy) = (source.map_err(&failed)?, copy.map_err(&failed)?);
        if source.size == copy.size {
            let last = copy.size.saturating_sub(1)..copy.size;
            if !last.is_empty() {
                self.client().get_range(to, last).await.map_err(&failed)?;
            }
            return Ok(());
        }
        Err(Error::unavailable(format!("`{}` is not copied to its end yet", self.bucket.shown(to.as_ref())))
            .hint("run again: the copy is made again then"))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        match self.client().delete(key).await {
            Ok(()) | Err(Fault::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.bucket.failed("removing", key.as_ref())(error)),
        }
    }

    /// All get their names before any of the staged ones goes, and those before any of the old ones.
    fn put_in_place(&self, files: &[(Key, Key)], old: &[Key]) -> Result<()> {
        use futures_util::{StreamExt, TryStreamExt, stream};
        self.bucket.wait(async {
            let copies = files.iter().map(|(from, to)| self.publish(from, to));
            stream::iter(copies).buffer_unordered(REQUESTS_AT_ONCE).try_collect::<Vec<()>>().await?;
            let removed = old.iter().chain(files.iter().map(|(from, _)| from)).map(|key| self.delete(key));
            stream::iter(removed).buffer_unordered(REQUESTS_AT_ONCE).try_collect::<Vec<()>>().await?;
            Ok(())
        })
    }
}

impl Store for Objects {
    fn shown(&self, name: &str) -> String {
        self.bucket.shown(&self.name(name))
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let key = self.key(folder)?;
        let prefix = (!key.as_ref().is_empty()).then_some(&key);
        let listed = self.bucket.ask("listing", key.as_ref(), self.client().list_with_delimiter(prefix))?;
        let of = |object: object_store::ObjectMeta| {
            Some(Listed { name: object.location.filename()?.to_owned(), bytes: object.size })
        };
        Ok(listed.objects.into_iter().filter_map(of).collect())
    }

    fn bytes(&self, name: &str) -> Result<Option<u64>> {
        Ok(self.bucket.look(&self.key(name)?)?.map(|seen| seen.bytes()))
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let key = self.key(name)?;
        self.bucket.ask("reading", key.as_ref(), async {
            match self.client().get(&key).await {
                Ok(got) => Ok(Some(got.bytes().await?.into())),
                Err(Fault::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn create_new(&self, name: &str, bytes: &[u8], _drafts: &str) -> Result<bool> {
        let key = self.key(name)?;
        self.bucket.ask("writing", key.as_ref(), create::create(self.client(), &key, bytes))
    }

    fn stage(&self, name: &str) -> Result<Box<dyn Staged>> {
        Ok(Box::new(Upload::new(self.bucket.clone(), self.key(name)?)))
    }

    fn sync_folder(&self, _folder: &str) -> Result<()> {
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let key = self.key(name)?;
        self.bucket.wait(self.delete(&key))
    }

    fn carry_out(&self, step: &Step) -> Result<()> {
        match step {
            Step::Move { from, to } => self.put_in_place(&[(self.key(from)?, self.key(to)?)], &[]),
            Step::Append { .. } => Err(Error::bug("nothing can be appended to an object")),
            Step::Replace { folder, files, old } => {
                let pair = |(from, to): &(String, String)| {
                    Ok((self.key(from)?, self.key(&format!("{folder}/{to}"))?))
                };
                let files = files.iter().map(pair).collect::<Result<Vec<_>>>()?;
                let old = old.iter().map(|name| self.key(&format!("{folder}/{name}")));
                self.put_in_place(&files, &old.collect::<Result<Vec<_>>>()?)
            }
            Step::Remove { files } => {
                let keys = files.iter().map(|name| self.key(name));
                self.put_in_place(&[], &keys.collect::<Result<Vec<_>>>()?)
            }
        }
    }

    fn lock(&self, _name: &str) -> Result<Box<dyn Lock>> {
        Ok(Box::new(NoLock))
    }
}

/// Entries of the log are made once: that is enough.
struct NoLock;

impl Lock for NoLock {}
