//! Faults of the network in the test run.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // helpers of tests; seeds and figures

use dstream_chaos::network::{Request, run};
use dstream_chaos::subject::Subject;

#[test]
fn forty_faults_of_the_network_lose_double_and_alter_nothing_and_nothing_hangs() {
    let built = Subject::built_folder().unwrap();
    let name = format!("dstreams{}", std::env::consts::EXE_SUFFIX);
    let subject = Subject::new(&built.join(name), &built, None).unwrap();
    let request = Request { seed: 20_240_229, faults: 40 };
    println!("cargo xtask chaos --network --faults {} --seed {}", request.faults, request.seed);
    let figures = run(&subject, request).unwrap();
    println!("{figures}");
    assert!(figures.verdict.is_clean(), "{figures}");
}
