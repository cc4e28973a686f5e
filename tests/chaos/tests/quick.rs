//! The campaign in the test run, on what cargo has built.

use anyhow::Result;
use dstream_chaos::campaign::{Figures, Request, run};
use dstream_chaos::subject::Subject;

fn campaign(request: Request, bug: Option<&str>) -> Result<Figures> {
    let built = Subject::built_folder()?;
    let subject =
        Subject::new(&built.join(format!("dstreams{}", std::env::consts::EXE_SUFFIX)), &built, bug)?;
    run(&subject, request)
}

#[test]
fn fifty_kills_lose_double_and_alter_nothing() {
    let request = Request { seed: 20_240_229, kills: 50, until_violation: false };
    println!("cargo xtask chaos --runs {} --seed {}", request.kills, request.seed);
    let figures = campaign(request, None).unwrap();
    println!("{} kills in {:?}, {} rows: {}", figures.kills, figures.took, figures.rows, figures.verdict);
    assert!(figures.verdict.is_clean(), "{}: {:#?}", figures.verdict, figures.verdict.findings);
    assert_eq!(figures.kills, 50);
}

#[cfg(feature = "seeded-bugs")]
#[test]
fn a_state_that_is_saved_before_the_data_is_found() {
    let request = Request { seed: 20_240_301, kills: 200, until_violation: true };
    let figures = campaign(request, Some("state-before-data")).unwrap();
    println!("found after {} kills: {}", figures.kills, figures.verdict);
    assert!(figures.verdict.lost > 0, "build `dstreams` with its feature `seeded-bugs`: {}", figures.verdict);
}
