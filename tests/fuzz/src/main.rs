//! Writes the samples of a harness into the folder that libFuzzer begins with.

use dstream_fuzz::{SAMPLES_OF_CSV, SAMPLES_OF_ENTRIES, SAMPLES_OF_JSON};
use std::path::Path;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(name), Some(folder)) = (args.next(), args.next()) else {
        return Err(std::io::Error::other("wanted: the name of a harness, and a folder"));
    };
    let samples = match name.as_str() {
        "csv" => SAMPLES_OF_CSV,
        "jsonl" => SAMPLES_OF_JSON,
        "entry" => SAMPLES_OF_ENTRIES,
        other => return Err(std::io::Error::other(format!("there is no harness `{other}`"))),
    };
    for (number, sample) in samples.iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("sample-{number}")), sample)?;
    }
    Ok(())
}
