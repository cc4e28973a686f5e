//! The campaign in the test run, on what cargo has built.

use dstream_chaos::campaign::{Figures, Request, run};
use dstream_chaos::subject::Subject;

fn campaign(request: Request, bug: Option<&str>) -> Figures {
    println!("cargo xtask chaos --runs {} --seed {}", request.kills, request.seed);
    let built = Subject::built_folder().unwrap();
    let subject = Subject::new(&built.join("dstreams"), &built, bug).unwrap();
    run(&subject, request).unwrap()
}

#[test]
fn fifty_kills_lose_double_and_alter_nothing() {
    let figures = campaign(Request { seed: 20_240_229, kills: 50, until_violation: false }, None);
    println!("{} kills in {:?}, {} rows: {}", figures.kills, figures.took, figures.rows, figures.verdict);
    assert_eq!(figures.kills, 50);
    assert!(figures.verdict.is_clean(), "{}: {:#?}", figures.verdict, figures.verdict.findings);
}

#[cfg(feature = "seeded-bugs")]
#[test]
fn a_state_that_is_saved_before_the_data_is_found() {
    let request = Request { seed: 20_240_301, kills: 200, until_violation: true };
    let figures = campaign(request, Some("state-before-data"));
    assert!(!figures.verdict.is_clean(), "build `dstreams` with its feature `seeded-bugs`");
}
