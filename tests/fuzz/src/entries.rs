//! Entries of a target's log.

use dstream_files::fuzzing::rewrite_entry;
use sha2::{Digest, Sha256};

/// An entry of any bytes, once with the hash that belongs to it and once without.
pub fn entry(data: &[u8]) {
    let as_it_is = rewrite_entry(data);
    let Some(json) = data.split(|byte| *byte == b'\n').next() else { return };
    let hash: String = Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect();
    let sealed = [json, format!("\n{{\"sha256\":\"{hash}\"}}\n").as_bytes()].concat();
    assert!(as_it_is.is_none() || data == sealed, "an entry without its hash is read");
    if let Some(written) = rewrite_entry(&sealed) {
        assert_eq!(
            rewrite_entry(&written).as_ref(),
            Some(&written),
            "an entry is not read as it was written"
        );
    }
}
