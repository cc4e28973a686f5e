//! The library itself, cut: whatever is left of it, the process lives.

mod host;

use dstream_abi::ErrorKind;
use dstream_core::plugin::{Library, Trust};

#[test]
fn cut_at_every_256_bytes_it_is_refused_before_it_is_loaded() {
    let folder = tempfile::tempdir().expect("temp folder");
    let copy = host::copy_to(folder.path());
    let file = std::fs::File::options().write(true).open(&copy).expect("writable");
    let whole = file.metadata().expect("metadata").len();
    // The checks read headers alone, so the megabytes of a debug build are cut in a second: from the end, in place.
    let mut cut = whole.div_ceil(256) * 256;
    while cut > 0 {
        cut -= 256;
        file.set_len(cut).expect("cut");
        let error = Library::open(&copy, Trust::Required).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Config, "cut at {cut} of {whole}: {error}");
    }
}
