//! An object on its way, part after part.

use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload, UploadPart};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use tokio::task::JoinHandle;

use dstream_sdk::{Error, Result};

use crate::input::carry;
use crate::remote::Bucket;
use crate::store::Staged;

/// Bytes of a part of an object on its way.
const PART_BYTES: usize = 8 << 20;
/// Parts that are on their way at once, besides the one that is being filled.
const PARTS_AT_ONCE: usize = 2;
/// What the services copy in one request.
const LARGEST_BYTES: u64 = 5 << 30;

/// The object.
pub(super) struct Upload {
    bucket: Arc<Bucket>,
    key: Key,
    /// `None` as long as it is shorter than one part.
    parts: Option<Box<dyn MultipartUpload>>,
    on_way: VecDeque<JoinHandle<object_store::Result<()>>>,
    filling: Vec<u8>,
    bytes: u64,
}

impl Upload {
    pub(super) fn new(bucket: Arc<Bucket>, key: Key) -> Upload {
        Upload { bucket, key, parts: None, on_way: VecDeque::new(), filling: Vec::new(), bytes: 0 }
    }

    fn send(&mut self) -> Result<()> {
        if self.parts.is_none() {
            let begun = self.bucket.client().put_multipart(&self.key);
            self.parts = Some(self.bucket.ask("writing", self.key.as_ref(), begun)?);
        }
        self.wait_for(PARTS_AT_ONCE - 1)?;
        let payload = PutPayload::from(std::mem::take(&mut self.filling));
        if let Some(parts) = &mut self.parts {
            let part: UploadPart = parts.put_part(payload);
            self.on_way.push_back(dstream_sdk::spawn(part)?);
        }
        Ok(())
    }

    /// Waits until no more parts than that are on their way.
    fn wait_for(&mut self, left: usize) -> Result<()> {
        while self.on_way.len() > left {
            let Some(mut part) = self.on_way.pop_front() else { break };
            let failed = self.bucket.failed("writing", self.key.as_ref());
            self.bucket.wait(async {
                let done = (&mut part).await;
                done.map_err(|_| Error::cancelled("the run was told to stop"))?.map_err(failed)
            })?;
        }
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.filling.len() == PART_BYTES {
            self.send().map_err(carry)?;
        }
        if self.filling.capacity() == 0 {
            self.filling.reserve_exact(if self.parts.is_some() { PART_BYTES } else { bytes.len() });
        }
        let count = bytes.len().min(PART_BYTES - self.filling.len());
        self.filling.extend_from_slice(&bytes[..count]);
        self.bytes += count as u64;
        if self.bytes > LARGEST_BYTES {
            let message = format!("`{}` has more than 5 GiB", self.bucket.shown(self.key.as_ref()));
            let error = Error::config(message).hint("set `max_file_bytes` to 4000000000 or less");
            return Err(carry(error));
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Upload {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        let bucket = self.bucket.clone();
        if self.parts.is_none() {
            let payload = PutPayload::from(std::mem::take(&mut self.filling));
            bucket.ask("writing", self.key.as_ref(), bucket.client().put(&self.key, payload))?;
            return Ok(self.bytes);
        }
        if !self.filling.is_empty() {
            self.send()?;
        }
        self.wait_for(0)?;
        if let Some(mut parts) = self.parts.take() {
            let key = self.key.clone();
            let done = bucket.ask("writing", key.as_ref(), parts.complete());
            if done.is_err() {
                self.parts = Some(parts);
            }
            done?;
        }
        Ok(self.bytes)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Parts that nobody needs cost money until they are given up.
        if let Some(mut parts) = self.parts.take() {
            let on_way = std::mem::take(&mut self.on_way);
            self.bucket.tidy_up(async {
                for part in on_way {
                    part.abort();
                    let _ = part.await;
                }
                let _ = parts.abort().await;
            });
        }
    }
}
