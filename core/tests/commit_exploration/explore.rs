//! Breadth first, every state once.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::oracle;
use super::world::{Scenario, Step, World};

/// How much was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub states: usize,
    pub steps: usize,
}

/// Visits every state; the error is the shortest way to a violation.
pub fn explore(scenario: &Scenario) -> Result<Report, String> {
    let mut report = Report::default();
    let mut seen = HashSet::new();
    let mut way: Vec<(usize, Option<Step>)> = vec![(0, None)];
    let mut completed = HashMap::new();
    let first = World::new(scenario);
    seen.insert(hash(&first));
    let mut layer = vec![(0, first)];
    while !layer.is_empty() {
        let mut next = Vec::new();
        for (id, world) in layer {
            report.states += 1;
            let violation = |what: String| Err(format!("{what}\n{}", tell(&way, id)));
            if let Err(what) = oracle::check(scenario, &world) {
                return violation(what);
            }
            let quiet = world.quiet();
            let outcome = completed.entry(hash(&quiet)).or_insert_with(|| complete(scenario, quiet));
            if let Err(what) = outcome {
                return violation(format!("one undisturbed run more, and {what}"));
            }
            let steps = world.steps(scenario);
            let is_stuck =
                |slot: usize| world.runs[slot].is_some() && !steps.iter().any(|step| step.is_of(slot));
            if (0..2).any(is_stuck) {
                return violation("a run waits for ever".to_string());
            }
            for step in steps {
                report.steps += 1;
                let mut world = world.clone();
                world.take(scenario, step);
                if seen.insert(hash(&world)) {
                    way.push((id, Some(step)));
                    next.push((way.len() - 1, world));
                }
            }
        }
        layer = next;
    }
    Ok(report)
}

/// One run that nothing disturbs.
fn complete(scenario: &Scenario, mut world: World) -> Result<(), String> {
    for _ in 0..1000 {
        // The first step of a lane that reads is the shortest window.
        let Some(step) = world.steps(scenario).first().copied() else {
            return oracle::check_complete(scenario, &world);
        };
        world.take(scenario, step);
        oracle::check(scenario, &world)?;
    }
    Err("it does not end".to_string())
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn tell(way: &[(usize, Option<Step>)], mut id: usize) -> String {
    let mut steps = Vec::new();
    while let Some((parent, Some(step))) = way.get(id) {
        steps.push(format!("  {step:?}"));
        id = *parent;
    }
    steps.reverse();
    steps.join("\n")
}

impl Step {
    fn is_of(&self, slot: usize) -> bool {
        match self {
            Step::Begin(run, _) | Step::Close { run, .. } | Step::Do { run, .. } => *run == slot,
            Step::Start(_) | Step::Crash { .. } | Step::Arrive(_) => false,
        }
    }
}
