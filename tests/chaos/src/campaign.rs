//! Rounds until enough kills, and the figures.
//!
//! A round changes the files, runs `dstreams sync` until one run completes, killing those before it, and lets the oracle
//! look. A world sees some rounds; then a new one begins, for the first copy is a case of its own.

use anyhow::Result;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::oracle;
use crate::process::End;
use crate::random::Random;
use crate::subject::Subject;
use crate::verdict::Verdict;
use crate::world::{Plan, World};

const ROUNDS_PER_WORLD: u32 = 5;

/// What a campaign is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Files, kinds of rounds and moments follow from it. How far a run has come at its moment does not.
    pub seed: u64,
    /// Kills.
    pub kills: u64,
    /// One violation is enough.
    pub until_violation: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Runs that were killed.
    pub kills: u64,
    /// Runs that ended by themselves.
    pub completed: u64,
    /// Databases.
    pub worlds: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Time for all.
    pub took: Duration,
    /// Everything that was wrong.
    pub verdict: Verdict,
    /// Folders of the worlds in which something was wrong.
    pub kept: Vec<PathBuf>,
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
        usual: BTreeMap::new(),
    };
    for plan in [Plan::ByStream, Plan::Append] {
        campaign.measure(subject, plan)?;
    }
    while campaign.goes_on() {
        let plan = if campaign.figures.worlds % 3 == 2 { Plan::Append } else { Plan::ByStream };
        campaign.see_world(subject, plan)?;
    }
    campaign.figures.took = start.elapsed();
    Ok(campaign.figures)
}

struct Campaign {
    request: Request,
    random: Random,
    figures: Figures,
    /// How long an undisturbed run takes: the first of a world, and one after it.
    usual: BTreeMap<(Plan, bool), Duration>,
}

impl Campaign {
    fn goes_on(&self) -> bool {
        let is_enough = self.request.until_violation && !self.figures.verdict.is_clean();
        self.figures.kills < self.request.kills && !is_enough
    }

    /// Two rounds that nobody disturbs: how long they take says when to kill. Their rows count as well.
    fn measure(&mut self, subject: &Subject, plan: Plan) -> Result<()> {
        let mut world = World::create(subject, plan, self.random.next())?;
        for is_first in [true, false] {
            if let End::Completed(took) = world.sync(None)? {
                self.usual.insert((plan, is_first), took);
            }
            if !self.judge(&world)? {
                self.keep(world);
                return Ok(());
            }
            world.change_files()?;
        }
        Ok(())
    }

    fn see_world(&mut self, subject: &Subject, plan: Plan) -> Result<()> {
        self.figures.worlds += 1;
        let mut world = World::create(subject, plan, self.random.next())?;
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
            world.change_files()?;
        }
        Ok(())
    }

    /// Runs until one completes; says whether one did.
    fn run_round(&mut self, world: &mut World<'_>, is_first: bool) -> Result<bool> {
        let usual = self.usual.get(&(world.plan, is_first)).copied().unwrap_or(Duration::from_secs(1));
        loop {
            let wants_kill = self.figures.kills < self.request.kills && self.random.percent(90);
            let moment = wants_kill.then(|| usual.mul_f64(self.moment()));
            match world.sync(moment)? {
                End::Killed => self.figures.kills += 1,
                End::Completed(_) => {
                    self.figures.completed += 1;
                    return Ok(true);
                }
                End::Failed(said) => return Ok(self.wedged(format!("a run failed, {said}"))),
                End::Wedged => return Ok(self.wedged("a run did not end".to_owned())),
            }
            if self.random.percent(25) {
                world.grow_files()?;
            }
            if self.random.percent(5) {
                // The records of the target are enough.
                let _ = fs::remove_file(world.path("state/state.json"));
            }
        }
    }

    /// A part of the usual time: any moment of it, and more often than others the first and the last ones.
    fn moment(&mut self) -> f64 {
        let part = self.random.fraction();
        match self.random.below(10) {
            0 => part * 0.15,
            1 => 0.85 + part * 0.3,
            _ => part * 1.1,
        }
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
