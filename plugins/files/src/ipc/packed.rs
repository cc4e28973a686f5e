//! Buffers of a message, unpacked within a limit.

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::ipc;
use std::io::Read;

use super::fault::{Fault, Told};

/// The length that a packed buffer begins with.
const PREFIX_BYTES: usize = 8;

/// How the buffers of a message are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Lz4,
    Zstd,
}

impl Codec {
    pub(super) fn of(batch: ipc::RecordBatch<'_>) -> Told<Option<Codec>> {
        let Some(compression) = batch.compression() else { return Ok(None) };
        match (compression.method(), compression.codec()) {
            (ipc::BodyCompressionMethod::BUFFER, ipc::CompressionType::LZ4_FRAME) => Ok(Some(Codec::Lz4)),
            (ipc::BodyCompressionMethod::BUFFER, ipc::CompressionType::ZSTD) => Ok(Some(Codec::Zstd)),
            _ => Err(Fault::unsupported("its buffers are packed with neither lz4 nor zstd")),
        }
    }
}

/// Memory that a message may yet take.
#[derive(Debug)]
pub(super) struct Budget {
    used: u64,
    limit: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Budget {
        Budget { used: 0, limit }
    }

    pub(super) fn take(&mut self, bytes: u64) -> Told<()> {
        self.used = self.used.saturating_add(bytes);
        match self.used > self.limit {
            true => Err(Fault::TooLarge { bytes: self.used, limit: self.limit }),
            false => Ok(()),
        }
    }
}

/// The bytes of a packed buffer.
pub(super) fn unpack(codec: Codec, packed: Buffer, budget: &mut Budget) -> Told<Buffer> {
    let prefix = packed.get(..PREFIX_BYTES).and_then(|prefix| <[u8; PREFIX_BYTES]>::try_from(prefix).ok());
    let prefix = prefix.ok_or_else(|| Fault::damaged("a packed buffer does not say how long it is"))?;
    let length = match i64::from_le_bytes(prefix) {
        // Stored as it is, where packing makes it longer.
        -1 => {
            budget.take(packed.len() as u64)?;
            return Ok(packed.slice(PREFIX_BYTES));
        }
        length => {
            u64::try_from(length).map_err(|_| Fault::damaged("a packed buffer has a negative length"))?
        }
    };
    // Before memory is taken: the length may lie.
    budget.take(length)?;
    let length =
        usize::try_from(length).map_err(|_| Fault::damaged("a packed buffer is longer than memory"))?;
    let mut unpacked = MutableBuffer::from_len_zeroed(length);
    let packed = &packed[PREFIX_BYTES..];
    let filled = match codec {
        Codec::Zstd => zstd::bulk::decompress_to_buffer(packed, unpacked.as_slice_mut())
            .map_err(|error| Fault::damaged(format!("a buffer packed with zstd cannot be read: {error}")))?,
        Codec::Lz4 => fill(lz4_flex::frame::FrameDecoder::new(packed), unpacked.as_slice_mut())
            .map_err(|error| Fault::damaged(format!("a buffer packed with lz4 cannot be read: {error}")))?,
    };
    match filled == length {
        true => Ok(unpacked.into()),
        false => Err(Fault::damaged(format!("a packed buffer should have {length} bytes and has {filled}"))),
    }
}

/// Fills `buffer`; one byte more than it takes is counted as such.
fn fill(mut packed: impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match packed.read(&mut buffer[filled..])? {
            0 => return Ok(filled),
            count => filled += count,
        }
    }
    Ok(filled + packed.read(&mut [0])?)
}
