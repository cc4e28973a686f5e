//! Breadth first, every state once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::oracle;
use super::world::{Scenario, Step, World};

/// How much was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Report {
    pub(crate) states: usize,
    pub(crate) steps: usize,
}

/// Visits every state; the error is the shortest way to a violation.
pub(crate) fn explore(scenario: &Scenario) -> Result<Report, String> {
    let mut report = Report::default();
    let mut seen = HashSet::new();
    let mut way: Vec<(usize, Option<Step>)> = vec![(0, None)];
    let mut completed = HashMap::new();
    let first = World::new(scenario);
    seen.insert(first.hash());
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
            let outcome = completed.entry(quiet.hash()).or_insert_with(|| complete(scenario, quiet));
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
                if seen.insert(world.hash()) {
                    way.push((id, Some(step)));
                    next.push((way.len() - 1, world));
                }
            }
        }
        layer = next;
    }
    Ok(report)
}

/// Looks at every state as often as it is met and compares where it leads; returns how often one was met again.
pub(crate) fn check_folding(scenario: &Scenario) -> Result<usize, String> {
    let mut futures: HashMap<u64, Vec<u64>> = HashMap::new();
    let mut met_again = 0;
    let mut layer = vec![World::new(scenario)];
    while !layer.is_empty() {
        let mut next = Vec::new();
        for world in layer {
            let steps = world.steps(scenario);
            let after = steps.into_iter().map(|step| {
                let mut world = world.clone();
                world.take(scenario, step);
                world
            });
            let after: Vec<World> = after.collect();
            let mut future: Vec<u64> = after.iter().map(World::hash).collect();
            future.sort_unstable();
            match futures.entry(world.hash()) {
                Entry::Vacant(first) => {
                    first.insert(future);
                    next.extend(after);
                }
                Entry::Occupied(known) if *known.get() == future => met_again += 1,
                Entry::Occupied(_) => return Err(format!("another future: {world:?}")),
            }
        }
        layer = next;
    }
    Ok(met_again)
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
