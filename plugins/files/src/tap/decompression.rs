//! Sees through gzip, zstd, bzip2 and xz, which it knows by their first bytes.

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::input::Input;

/// Bytes that are read of a packed file at once.
const BUFFER_BYTES: usize = 1 << 17;
/// The largest dictionary of xz that is read, which is that of zstd as well: `xz -9` needs half of it.
const MAX_DICTIONARY_BYTES: u32 = 128 << 20;
/// Memory that xz needs besides its dictionary, and some more.
const XZ_KIB: u32 = (MAX_DICTIONARY_BYTES >> 10) + 1024;

/// The longest beginning that tells how a file is packed.
const MAGIC_BYTES: u64 = 10;
/// What follows `BZh1` to `BZh9`: a block, or the end of an empty file.
const BZIP2_BLOCKS: [&[u8]; 2] =
    [&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];

/// The bytes of a file, unpacked.
pub(super) enum Unpacked {
    Plain(Input),
    Gzip(Box<MultiGzDecoder<BufReader<Input>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Input>>>),
    Bzip2(Box<MultiBzDecoder<BufReader<Input>>>),
    Xz(Box<XzReader<BufReader<Input>>>),
}

impl Unpacked {
    pub(super) fn new(mut file: Input) -> io::Result<Unpacked> {
        let mut magic = Vec::new();
        (&mut file).take(MAGIC_BYTES).read_to_end(&mut magic)?;
        file.seek(SeekFrom::Start(0))?;
        let buffered = |file| BufReader::with_capacity(BUFFER_BYTES, file);
        // None of them can begin a text in UTF-8 but bzip2's, of which more is looked at.
        Ok(match magic[..] {
            [0x1f, 0x8b, ..] => Unpacked::Gzip(Box::new(MultiGzDecoder::new(buffered(file)))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                Unpacked::Zstd(Box::new(zstd::Decoder::with_buffer(buffered(file))?))
            }
            [0xfd, b'7', b'z', b'X', ..] => {
                Unpacked::Xz(Box::new(XzReader::new_mem_limit(buffered(file), true, XZ_KIB)))
            }
            [b'B', b'Z', b'h', b'1'..=b'9', ref block @ ..] if is_bzip2(block) => {
                Unpacked::Bzip2(Box::new(MultiBzDecoder::new(buffered(file))))
            }
            _ => Unpacked::Plain(file),
        })
    }

    /// What it is packed with.
    pub(super) fn packing(&self) -> Option<&'static str> {
        match self {
            Unpacked::Plain(_) => None,
            Unpacked::Gzip(_) => Some("gzip"),
            Unpacked::Zstd(_) => Some("zstd"),
            Unpacked::Bzip2(_) => Some("bzip2"),
            Unpacked::Xz(_) => Some("xz"),
        }
    }
}

/// `block` is shorter than a mark where the file is cut.
fn is_bzip2(block: &[u8]) -> bool {
    !block.is_empty() && BZIP2_BLOCKS.iter().any(|mark| mark.starts_with(block))
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Plain(file) => file.read(buffer),
            Unpacked::Gzip(gzip) => gzip.read(buffer),
            Unpacked::Zstd(zstd) => zstd.read(buffer),
            Unpacked::Bzip2(bzip2) => bzip2.read(buffer),
            Unpacked::Xz(xz) => xz.read(buffer),
        }
    }
}
