//! Made-up files for `dstream_fuzz::csv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dstream_fuzz::csv(data));
