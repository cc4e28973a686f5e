//! Rounds until enough kills, and the figures.
//!
//! A round changes the source, runs `dstreams sync` until one run completes, killing those before it or stopping a
//! server under them, and lets the oracle look. A world sees some rounds; then a new one begins, for the first copy is a
//! case of its own.

use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::nemesis::{self, Fault};
use crate::oracle;
use crate::pair::Pair;
use crate::process::End;
use crate::random::Random;
use crate::servers::Servers;
use crate::subject::Subject;
use crate::watch::{Memory, Watch};
use crate::world::{Plan, World};

const ROUNDS_PER_WORLD: u32 = 5;
/// Records that come to a stream in a round, at most.
const RECORDS: u64 = 2_000;
/// More of the same would say nothing new.
const HOPELESS_WORLDS: usize = 5;
/// Exit codes of a run whose server went away: the source, the target, some streams.
const SERVER_GONE: [Option<i32>; 3] = [Some(5), Some(6), Some(7)];

/// What a campaign is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What is moved to where.
    pub pair: Pair,
    /// Records, kinds of rounds and moments follow from it. How far a run has come at its moment does not.
    pub seed: u64,
    /// Kills.
    pub kills: u64,
    /// One violation is enough.
    pub until_violation: bool,
}

/// Carries out a campaign.
///
/// # Errors
/// It cannot be carried out; a violation is none.
pub fn run(subject: &Subject, request: Request) -> Result<Figures> {
    let start = Instant::now();
    let mut campaign = Campaign {
        random: Random::of(&[request.seed]),
        request,
        figures: Figures::default(),
        servers: Servers::default(),
        usual: BTreeMap::new(),
    };
    let plans = plans(request.pair);
    for plan in plans {
        campaign.measure(subject, *plan)?;
    }
    while campaign.goes_on() {
        let rest = campaign.figures.worlds % 3;
        let plan = if rest == 2 { plans[plans.len() - 1] } else { plans[0] };
        campaign.see_world(subject, plan)?;
    }
    campaign.figures.took = start.elapsed();
    Ok(campaign.figures)
}

/// The plans of a pair: the first for most worlds, the last for every third.
fn plans(pair: Pair) -> &'static [Plan] {
    match (pair, pair.source()) {
        (Pair::PgPgAppend, _) => &[Plan::Append],
        (_, source) if source.is_files() => &[Plan::ByStream, Plan::Append],
        _ => &[Plan::ByStream],
    }
}

struct Campaign {
    request: Request,
    random: Random,
    figures: Figures,
    servers: Servers,
    /// How long an undisturbed run takes: the first of a world, and one after it.
    usual: BTreeMap<(Plan, bool), Duration>,
}

impl Campaign {
    fn goes_on(&self) -> bool {
        let is_enough = self.request.until_violation && !self.figures.verdict.is_clean();
        let is_hopeless = self.figures.kept.len() >= HOPELESS_WORLDS;
        self.figures.kills < self.request.kills && !is_enough && !is_hopeless
    }

    fn create<'a>(&mut self, subject: &'a Subject, plan: Plan) -> Result<World<'a>> {
        World::create(subject, self.request.pair, plan, &mut self.servers, self.random.next())
    }

    /// Two rounds that nobody disturbs: how long they take says when to kill. Their rows count as well.
    fn measure(&mut self, subject: &Subject, plan: Plan) -> Result<()> {
        let mut world = self.create(subject, plan)?;
        for is_first in [true, false] {
            let is_done = match nemesis::sync(&world, None)? {
                End::Completed(took) => {
                    self.usual.insert((plan, is_first), took);
                    true
                }
                end => self.wedged(format!("a run that nobody disturbed: {end:?}")),
            };
            if !is_done || !self.judge(&world)? {
                self.keep(world);
                return Ok(());
            }
            world.change_source(RECORDS)?;
        }
        Ok(())
    }

    fn see_world(&mut self, subject: &Subject, plan: Plan) -> Result<()> {
        self.figures.worlds += 1;
        let mut world = self.create(subject, plan)?;
        for round in 0..ROUNDS_PER_WORLD {
            let is_clean = self.run_round(&mut world, round == 0)? && self.judge(&world)?;
            if !is_clean {
                // What is wrong once stays wrong: a later round would count it again.
                self.keep(world);
                return Ok(());
            }
            if self.figures.kills >= self.request.kills {
                return Ok(());
            }
            world.change_source(RECORDS)?;
        }
        Ok(())
    }

    /// Runs until one completes; says whether one did.
    fn run_round(&mut self, world: &mut World<'_>, is_first: bool) -> Result<bool> {
        let usual = self.usual.get(&(world.plan, is_first)).copied().unwrap_or(Duration::from_secs(1));
        let mut memory = Memory::default();
        loop {
            let wants_fault = self.figures.kills < self.request.kills && self.random.percent(90);
            let servers = world.servers.len();
            let fault = wants_fault.then(|| Fault::draw(&mut self.random, usual, servers));
            let is_crash = matches!(fault, Some(Fault::Crash { .. }));
            self.figures.crashes += u64::from(is_crash);
            let watch = Watch::start(world, memory);
            let end = nemesis::sync(world, fault);
            memory = self.take(watch)?;
            if self.figures.verdict.torn > 0 {
                return Ok(false);
            }
            match end? {
                End::Killed => self.figures.kills += 1,
                End::Completed(took) => {
                    self.figures.completed += 1;
                    // A machine is not as busy all the time: moments beyond the end kill nothing.
                    let usual = self.usual.entry((world.plan, is_first)).or_insert(took);
                    *usual = (*usual * 3 + took) / 4;
                    return Ok(true);
                }
                End::Failed { code, .. } if is_crash && SERVER_GONE.contains(&code) => {
                    self.figures.failed += 1;
                }
                End::Failed { code, said } => {
                    return Ok(self.wedged(format!("a run failed ({fault:?}), exit code {code:?}: {said}")));
                }
                End::Wedged => return Ok(self.wedged(format!("a run did not end ({fault:?})"))),
            }
            if self.random.percent(25) {
                world.grow_source()?;
            }
            if self.random.percent(5) {
                // The records of the target are enough.
                let _ = fs::remove_file(world.path("state/state.json"));
            }
        }
    }

    /// What somebody saw beside the run.
    fn take(&mut self, watch: Option<Watch>) -> Result<Memory> {
        let Some(watch) = watch else { return Ok(Memory::default()) };
        let seen = watch.end()?;
        self.figures.looks += seen.looks;
        self.figures.repeated += seen.repeated;
        for finding in seen.findings {
            self.figures.verdict.torn += 1;
            self.figures.verdict.tell(|| finding);
        }
        Ok(seen.memory)
    }

    /// For whoever looks for the cause, unless it is known.
    fn keep(&mut self, world: World<'_>) {
        if !world.has_bug() {
            self.figures.kept.push(world.keep());
        }
    }

    fn wedged(&mut self, finding: String) -> bool {
        self.figures.verdict.wedged += 1;
        self.figures.verdict.tell(|| finding);
        false
    }

    fn judge(&mut self, world: &World<'_>) -> Result<bool> {
        let (verdict, rows) = oracle::judge(world)?;
        let is_clean = verdict.is_clean();
        self.figures.rows += rows;
        self.figures.verdict += verdict;
        Ok(is_clean)
    }
}
