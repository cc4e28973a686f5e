//! Faults of the network between `dstreams` and two databases, one a run.
//!
//! A run under a fault may complete or fail with an error that says so; the next one, which nobody disturbs, has to
//! complete. Then the oracle looks at every row.

mod figures; // what came of it
mod trouble; // the faults, and where they strike

pub use figures::Figures;

use anyhow::{Context, Result, bail};
use dstream_fault_proxy::{Plan as Connections, Proxy};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::build::Sides;
use crate::column::POSTGRES;
use crate::destination::PostgresDestination;
use crate::nemesis;
use crate::oracle;
use crate::pair::Pair;
use crate::process::End;
use crate::random::Random;
use crate::servers::Servers;
use crate::source::PostgresSource;
use crate::subject::Subject;
use crate::verdict::Verdict;
use crate::world::{self, Plan, World};
use trouble::Trouble;

/// Rows of a stream at the beginning; there are four.
const RECORDS: u64 = 5_000;
/// The same where every byte takes its time.
const FEW_RECORDS: u64 = 150;
/// Rows that come to a stream before each run but the first, at most.
const CHANGES: u64 = 3_000;
/// A world sees so many runs under a fault; the first copies all rows.
const RUNS_PER_WORLD: u64 = 8;
/// Without a byte from the server, before it is asked whether it is still there.
const NETWORK_MS: u64 = 1_500;
/// Exit codes of a run whose network failed: the source, the target, some streams.
const NETWORK_GONE: [Option<i32>; 3] = [Some(5), Some(6), Some(7)];

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Rows and faults follow from it.
    pub seed: u64,
    /// Faults that struck.
    pub faults: u64,
}

/// Carries out a campaign.
///
/// # Errors
/// It cannot be carried out; a violation is none.
pub fn run(subject: &Subject, request: Request) -> Result<Figures> {
    let start = Instant::now();
    let mut servers = Servers::default();
    let mut random = Random::of(&[request.seed, 0x2E7]);
    let mut figures = Figures::default();
    while figures.struck() < request.faults && figures.verdict.is_clean() {
        let mut network = Network::create(subject, &mut servers, random.next(), RECORDS)?;
        for number in 0..RUNS_PER_WORLD {
            let trouble = Trouble::draw(&mut random, &network.usual);
            if trouble == Trouble::Slices {
                // A few rows take as long as all of them take otherwise.
                let mut slow = Network::create(subject, &mut servers, random.next(), FEW_RECORDS)?;
                slow.see(trouble, &mut figures)?;
                slow.keep_if_wrong(&mut figures);
                continue;
            }
            if number > 0 {
                network.world.change_source(CHANGES)?;
            }
            network.see(trouble, &mut figures)?;
            if figures.struck() >= request.faults || !figures.verdict.is_clean() {
                break;
            }
        }
        network.keep_if_wrong(&mut figures);
    }
    figures.took = start.elapsed();
    Ok(figures)
}

/// What passes in a run that nobody disturbs.
#[derive(Clone, Copy, Debug)]
struct Usual {
    took: Duration,
    /// Of both sides: connections, and bytes to the server and to the client.
    passed: [(u64, u64, u64); 2],
}

/// Carries out a campaign in which the same first copy is reset after every multiple of 64 KiB that one of its connections
/// carries: of what comes from the source, then of what goes to the target.
///
/// # Errors
/// It cannot be carried out; a violation is none.
pub fn sweep(subject: &Subject, seed: u64) -> Result<Figures> {
    let start = Instant::now();
    let mut servers = Servers::default();
    let mut figures = Figures::default();
    for rows_at in Trouble::WHERE_ROWS_GO {
        for step in 0.. {
            // The same rows in as many parts each time: what the connections carry, and so the end, is the same.
            let mut network = Network::create(subject, &mut servers, seed, RECORDS)?;
            network.see(Trouble::reset_after(rows_at, step), &mut figures)?;
            network.keep_if_wrong(&mut figures);
            // No connection carries as much.
            if figures.missed > 0 || !figures.verdict.is_clean() {
                break;
            }
        }
        figures.missed = 0;
    }
    figures.took = start.elapsed();
    Ok(figures)
}

/// A world with a proxy before each of its databases.
struct Network<'a> {
    // Gone first: a database with a session that nobody can reach is not dropped.
    proxies: [Proxy; 2],
    world: World<'a>,
    usual: Usual,
}

impl<'a> Network<'a> {
    fn create(subject: &'a Subject, servers: &mut Servers, seed: u64, records: u64) -> Result<Network<'a>> {
        let server = servers.get(0)?;
        let upstream: SocketAddr =
            format!("127.0.0.1:{}", server.address().port).parse().context("the server has no address")?;
        let start = || Proxy::start(upstream, Connections::pass());
        let proxies = [start()?, start()?];
        let folder = world::folder()?;
        let timeouts = json!({"network_ms": NETWORK_MS, "connect_ms": 2 * NETWORK_MS});
        let mut random = Random::of(&[seed, 0x0DD5]);
        let options = json!({"timeouts": timeouts, "partitions": random.between(1, 3)});
        let source = PostgresSource::new(server.database("source")?, &POSTGRES, options)?;
        let destination = PostgresDestination::new(server.database("target")?);
        let sides = Sides {
            source: Box::new(source.by_way_of(proxies[0].address())),
            destination: Box::new(destination.by_way_of(proxies[1].address(), json!({"timeouts": timeouts}))),
            servers: vec![Arc::clone(&server)],
        };
        let world =
            World::fill(subject, Pair::PgPgUpsert, Plan::ByStream, folder, sides, seed, random, records)?;
        // Refined by every run.
        let usual =
            Usual { took: Duration::from_secs(1), passed: [(6, 50_000, 7 << 20), (6, 7 << 20, 50_000)] };
        Ok(Network { world, proxies, usual })
    }

    /// Runs a sync under this fault, and another one after it where that is needed, and lets the oracle look.
    fn see(&mut self, trouble: Trouble, figures: &mut Figures) -> Result<()> {
        let (end, took, struck) = self.sync(trouble)?;
        self.calm();
        let mut wrong = Vec::new();
        match end {
            End::Completed(_) => figures.count(trouble.name(), struck, true),
            End::Failed { code, said } if NETWORK_GONE.contains(&code) && is_clear(&said) && struck => {
                figures.count(trouble.name(), struck, false);
                self.complete()?;
            }
            end => wrong.push(format!("{trouble:?}: {end:?}")),
        }
        let limit = trouble.limit(&self.usual);
        figures.slowest = figures.slowest.max((took, trouble.name()));
        if took > limit {
            wrong.push(format!("{trouble:?}: took {took:?}, and {limit:?} is what it may take"));
        }
        for finding in wrong {
            figures.verdict.wedged += 1;
            figures.verdict.tell(|| finding);
        }
        if figures.verdict.is_clean() {
            let (verdict, rows): (Verdict, u64) = oracle::judge(&self.world)?;
            figures.rows += rows;
            if !verdict.is_clean() {
                figures.verdict.tell(|| format!("after {trouble:?}:"));
            }
            figures.verdict += verdict;
        }
        Ok(())
    }

    /// One that nobody disturbs.
    fn complete(&mut self) -> Result<()> {
        match nemesis::sync(&self.world, None)? {
            End::Completed(_) => Ok(()),
            end => bail!("a run that nobody disturbed: {end:?}"),
        }
    }

    fn sync(&mut self, trouble: Trouble) -> Result<(End, Duration, bool)> {
        let before = self.passed();
        let start = Instant::now();
        trouble.prepare(&self.proxies);
        let running = self.world.start_sync()?;
        let struck = trouble.strike(&self.proxies, &running);
        let end = running.end(world::LIMIT)?;
        let took = start.elapsed();
        if let End::Completed(took) = end {
            if !struck {
                self.usual.took = took;
            }
            let after = self.passed();
            for (usual, (after, before)) in self.usual.passed.iter_mut().zip(after.into_iter().zip(before)) {
                *usual = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
            }
        }
        Ok((end, took, struck))
    }

    fn keep_if_wrong(self, figures: &mut Figures) {
        if !figures.verdict.is_clean() {
            figures.kept.push(self.world.keep());
        }
    }

    /// The network works again, and servers hear of connections that are no more.
    fn calm(&self) {
        for proxy in &self.proxies {
            proxy.reset_all();
            proxy.set_plan(Connections::pass());
            proxy.thaw();
            proxy.up();
        }
    }

    fn passed(&self) -> [(u64, u64, u64); 2] {
        [&self.proxies[0], &self.proxies[1]].map(|proxy| {
            let counters = proxy.counters();
            (counters.connections, counters.to_server, counters.to_client)
        })
    }
}

/// An error, what to do, and no panic.
fn is_clear(said: &str) -> bool {
    said.contains("error: ") && !said.contains("panicked")
}
