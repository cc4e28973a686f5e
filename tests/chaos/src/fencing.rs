//! Two runs of one pipeline: one that sleeps while another takes over, and two on one machine.

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt;
use std::time::{Duration, Instant};

use crate::nemesis;
use crate::oracle;
use crate::pair::Pair;
use crate::process::{End, Running};
use crate::random::Random;
use crate::servers::Servers;
use crate::subject::Subject;
use crate::verdict::Verdict;
use crate::world::{LIMIT, Plan, World};

/// The exit code of a run that another one keeps from going on.
const LOCKED: Option<i32> = Some(9);
/// Records that come to a stream before each trial, at most.
const RECORDS: u64 = 3_000;
/// So many sleep too early or too late before it is given up.
const MAX_MISSED: u64 = 50;
/// A world sees so many trials.
const TRIALS_PER_WORLD: u64 = 5;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What is moved to where.
    pub pair: Pair,
    /// Records and moments follow from it.
    pub seed: u64,
    /// Runs that are stopped in the middle.
    pub trials: u64,
    /// After this time no trial begins, if there was one: on a slow machine the first ones may all sleep too early or too late.
    pub limit: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Runs that were stopped in the middle, woke up after a newer one, and had to commit nothing.
    pub trials: u64,
    /// Runs that were stopped before they had begun or after they had committed all, or had ended by then.
    pub others: u64,
    /// Everything that was wrong.
    pub verdict: Verdict,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.findings.iter().try_for_each(|finding| writeln!(out, "  {finding}"))?;
        let Figures { trials, others, verdict } = self;
        write!(
            out,
            "{trials} runs slept while another took over, {others} slept too early or too late: {verdict}"
        )
    }
}

/// Stops runs in the middle, has others take over, and wakes them up.
///
/// # Errors
/// It cannot be carried out; a violation is none.
pub fn sleepers(subject: &Subject, request: Request) -> Result<Figures> {
    let until = Instant::now() + request.limit;
    let mut random = Random::of(&[request.seed, 0xF3]);
    let mut servers = Servers::default();
    let mut figures = Figures::default();
    let has_time = |figures: &Figures| {
        let missed = figures.trials == 0 && figures.others < MAX_MISSED;
        figures.trials < request.trials && (missed || Instant::now() < until)
    };
    while has_time(&figures) {
        let mut world = World::create(subject, request.pair, Plan::ByStream, &mut servers, random.next())?;
        let mut usual = undisturbed(&world)?;
        for _ in 0..TRIALS_PER_WORLD {
            if !has_time(&figures) {
                break;
            }
            world.change_source(RECORDS)?;
            see_sleeper(&world, usual.mul_f64(random.fraction()), &mut figures)?;
            if !figures.verdict.is_clean() {
                return Ok(figures);
            }
            world.change_source(RECORDS)?;
            usual = undisturbed(&world)?;
        }
        figures.verdict += oracle::judge(&world)?.0;
    }
    Ok(figures)
}

fn undisturbed(world: &World<'_>) -> Result<Duration> {
    match nemesis::sync(world, None)? {
        End::Completed(took) => Ok(took),
        end => anyhow::bail!("a run that nobody disturbed: {end:?}"),
    }
}

/// One run sleeps from this moment on until another one has completed.
fn see_sleeper(world: &World<'_>, moment: Duration, figures: &mut Figures) -> Result<()> {
    let before = world.destination.epochs()?;
    let sleeper = world.start_sync()?;
    if sleeper.wait(moment) {
        figures.others += 1;
        return sleeper.end(LIMIT).map(drop);
    }
    signal(&sleeper, Signal::STOP)?;
    let asleep = world.destination.epochs()?;
    // As if on another machine: neither its state nor its locks are those of the sleeper.
    let newer = world.start_sync_of("elsewhere", "elsewhere/state.json")?.end(LIMIT)?;
    let taken = (world.destination.epochs()?, world.destination.records()?);
    signal(&sleeper, Signal::CONT)?;
    let woken = Instant::now();
    let end = sleeper.end(LIMIT + moment)?;
    let mut wrong = Vec::new();
    if !matches!(newer, End::Completed(_)) {
        wrong.push(format!("the newer run did not complete: {newer:?}"));
    }
    let has_begun = asleep.begun > before.begun;
    let has_committed = (world.destination.epochs()?, world.destination.records()?) != taken;
    match (&end, has_begun) {
        // It began when the newer one had ended, and was the newest itself.
        (End::Completed(_), false) => figures.others += 1,
        // It had committed all before it slept.
        (End::Completed(_), true) if !has_committed => figures.others += 1,
        // A bucket has no lock: the sleeper had looked which entry is the next one, and the newer run made it.
        (End::Failed { code: LOCKED, said }, _) if says_fenced(said) && (has_begun || is_bucket(world)) => {
            match has_begun {
                true => figures.trials += 1,
                false => figures.others += 1,
            }
            if has_committed {
                wrong.push("a run that was fenced has committed".to_owned());
            }
        }
        (end, _) => {
            let woken = woken.elapsed();
            wrong.push(format!("slept at {moment:?} (begun: {has_begun}), woke up for {woken:?}: {end:?}"));
        }
    }
    for finding in wrong {
        figures.verdict.wedged += 1;
        figures.verdict.tell(|| finding);
    }
    oracle::judge_all_rows(world, &mut figures.verdict).map(drop)
}

fn is_bucket(world: &World<'_>) -> bool {
    world.destination.files().is_some_and(|files| files.place().lists_at_once())
}

fn says_fenced(said: &str) -> bool {
    said.contains("took over") || said.contains("newer run")
}

/// Two runs at once on one machine: the second one says who holds the pipeline, and the first one completes.
///
/// # Errors
/// It is not so.
pub fn two_at_once(subject: &Subject, pair: Pair, seed: u64) -> Result<()> {
    let mut servers = Servers::default();
    let world = World::create(subject, pair, Plan::ByStream, &mut servers, seed)?;
    let first = world.start_sync()?;
    // Stopped in the middle of its work: it holds what it holds for as long as the second one looks.
    let lock = world.path("state/state.json.lock");
    while !first.wait(Duration::ZERO) && std::fs::read(&lock).map_or(true, |text| text.is_empty()) {
        std::thread::yield_now();
    }
    signal(&first, Signal::STOP)?;
    let second = world.start_sync()?.end(LIMIT);
    signal(&first, Signal::CONT)?;
    let pid = format!("pid {}", first.id());
    match second? {
        End::Failed { code: LOCKED, said } => ensure!(said.contains(&pid), "`{pid}` is not in: {said}"),
        end => anyhow::bail!("the second run: {end:?}"),
    }
    let end = first.end(LIMIT)?;
    ensure!(matches!(end, End::Completed(_)), "the first run: {end:?}");
    let (verdict, _) = oracle::judge(&world)?;
    ensure!(verdict.is_clean(), "{verdict}: {:#?}", verdict.findings);
    Ok(())
}

fn signal(running: &Running, signal: Signal) -> Result<()> {
    let id = Pid::from_raw(running.id().cast_signed()).context("a process has a number")?;
    Ok(kill_process(id, signal)?)
}
