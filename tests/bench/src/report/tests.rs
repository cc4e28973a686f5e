//! What is shown of figures, and when a goal is missed.

use super::*;
use crate::measure::Cost;
use crate::workload::{Check, Contender};

fn workload() -> Workload {
    let contender = |name, role| Contender::new(name, role, "true".into(), Check::Copied(0));
    Workload {
        number: 9,
        title: "made up",
        rows: 1000,
        contenders: vec![
            contender("ours", Role::Dstreams),
            contender("theirs", Role::Peer),
            contender("slow limit", Role::Limit),
            contender("quick limit", Role::Limit),
        ],
        peak: 250.0,
        goals: vec![Goal { of: "ours", against: "theirs", at_most: 0.5 }],
        notes: vec!["nothing is measured here".into()],
    }
}

fn runs(walls: &[f64], peak: f64) -> Outcome {
    let run =
        |&wall| Run { cost: Cost { wall, processor: 0.1, peak }, server: 0.2, others: 0.0, quiet: true };
    Outcome { runs: walls.iter().map(run).collect(), failure: None }
}

#[test]
fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
    let spread = Spread::of([4.0, 1.0, 2.0, 10.0].into_iter());
    assert_eq!(spread, Spread { least: 1.0, median: 3.0, most: 10.0 });
    assert_eq!(Spread::of([5.0].into_iter()).median, 5.0);
}

#[test]
fn a_goal_is_met_by_the_median_and_missed_above_it() {
    let theirs = [2.0, 4.0, 4.0];
    let figures =
        |ours: &[f64]| vec![runs(ours, 10.0), runs(&theirs, 900.0), runs(&[1.0], 1.0), runs(&[1.0], 1.0)];
    assert_eq!(missed(&workload(), &figures(&[1.0, 2.0, 9.0])), [""; 0]);
    assert_eq!(
        missed(&workload(), &figures(&[1.0, 2.1, 9.0])),
        ["**Missed**: ours takes 0.53 × theirs; goal ≤ 0.50."]
    );
}

#[test]
fn memory_is_that_of_the_largest_run_and_of_ours_alone() {
    let mut ours = runs(&[1.0, 1.0], 10.0);
    ours.runs[1].cost.peak = 250.0;
    let figures = vec![ours, runs(&[9.0], 900.0), runs(&[1.0], 1.0), runs(&[1.0], 1.0)];
    assert_eq!(missed(&workload(), &figures), ["**Missed**: ours holds 250 MiB at most; goal < 250 MiB."]);
}

#[test]
fn every_line_has_its_ratio_to_the_quickest_limit() {
    let figures = vec![runs(&[3.0], 10.0), runs(&[9.0], 1.0), runs(&[4.0], 1.0), runs(&[2.0], 1.0)];
    let shown = table(&workload(), &figures);
    assert!(
        shown.contains("| **ours** | 3.00 (3.00..3.00) | 0 k | 0.10 | 0.20 | 10 | 1.50 | 0.00 |"),
        "{shown}"
    );
    assert!(
        shown.contains("| *slow limit* | 4.00 (4.00..4.00) | 0 k | 0.10 | 0.20 | 1 | 2.00 | 0.00 |"),
        "{shown}"
    );
    assert!(shown.contains("nothing is measured here."), "{shown}");
}

#[test]
fn one_that_fails_is_shown_and_never_passes() {
    let mut figures = vec![runs(&[1.0], 10.0), runs(&[9.0], 1.0), runs(&[4.0], 1.0), runs(&[2.0], 1.0)];
    figures[0].failure = Some("there is a|b, not c\nmore".into());
    let shown = table(&workload(), &figures);
    assert!(shown.contains("| **ours** | failed: there is a\\|b, not c | "), "{shown}");
    assert_eq!(missed(&workload(), &figures), ["**Failed**: ours: there is a|b, not c\nmore"]);
}
