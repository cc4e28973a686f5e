//! Made-up files for `dstream_fuzz::jsonl`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dstream_fuzz::jsonl(data));
