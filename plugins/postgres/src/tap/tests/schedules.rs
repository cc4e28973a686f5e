//! Many writers in any order, with transactions of any length: no row is lost, none comes twice.

use dstream_sdk::{Bookmark, Partition};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::client::Client;
use crate::tap::testing::*;
use crate::tap::{Bug, PostgresTap};
use crate::testing::{client, database};

const SESSIONS: usize = 8;
/// Databases that work beside one another: a transaction holds back those of its own.
const LANES: usize = 4;

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Clock,
    Number,
}

impl KeyKind {
    fn column(self) -> &'static str {
        match self {
            KeyKind::Clock => "at",
            KeyKind::Number => "id",
        }
    }
}

/// What one lane works with.
struct Lane {
    tap: PostgresTap,
    stream: dstream_sdk::SelectedStream,
    key: KeyKind,
    sessions: Vec<(Client, bool)>,
    /// Versions of rows have a number each.
    version: u64,
    bookmark: Option<Bookmark>,
    loaded: HashMap<String, usize>,
}

const TABLE: &str = "CREATE TABLE t (id bigserial, at timestamptz DEFAULT now(), version int8)";

impl Lane {
    /// Reads on; sometimes it is killed on the way, and what is not committed is lost.
    fn run(&mut self, dice: &mut Dice) {
        let checkpoints = if dice.below(3) == 0 { dice.below(4) as usize } else { usize::MAX };
        self.read(1 + dice.below(4) as usize, checkpoints);
    }

    /// Reads to the end, or as far as so many checkpoints.
    fn read(&mut self, batch_rows: usize, checkpoints: usize) {
        let request =
            request(&Partition::whole("public.t"), &self.stream, self.bookmark.as_ref(), batch_rows);
        let mut reader = open(&self.tap, request).unwrap();
        let mut came = Came::default();
        while came.checkpoints.len() < checkpoints && step(&mut *reader, &mut came).unwrap() {}
        let Some((covered, bookmark)) = came.checkpoints.pop() else { return };
        for row in &came.rows[..covered] {
            *self.loaded.entry(row.rsplit('|').next().unwrap().to_owned()).or_default() += 1;
        }
        self.bookmark = Some(bookmark);
    }

    fn act(&mut self, dice: &mut Dice) {
        let at = dice.below(SESSIONS as u64) as usize;
        let kind = dice.below(10);
        self.version += 1;
        let version = self.version;
        let (session, is_open) = &mut self.sessions[at];
        match (kind, *is_open) {
            (0..=3, false) => {
                session.run("BEGIN").unwrap();
                *is_open = true;
            }
            (0..=1, true) => {
                session.run("COMMIT").unwrap();
                *is_open = false;
            }
            (2, true) => {
                session.run("ROLLBACK").unwrap();
                *is_open = false;
            }
            (7, _) if self.key == KeyKind::Clock => {
                // Rows that others hold are let alone: one thread plays all sessions.
                let sql = format!(
                    "UPDATE t SET at = clock_timestamp(), version = {version} WHERE id = \
                     (SELECT id FROM t ORDER BY id DESC LIMIT 1 FOR UPDATE SKIP LOCKED)"
                );
                session.run(&sql).unwrap();
            }
            _ => {
                session.run(&format!("INSERT INTO t (version) VALUES ({version})")).unwrap();
            }
        }
    }

    /// Plays one schedule to its end: what is wrong then, if anything.
    fn play(&mut self, seed: u64) -> Option<String> {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (self.bookmark, self.loaded) = (None, HashMap::new());
        for _ in 0..3 {
            for _ in 0..5 + dice.below(12) {
                self.act(&mut dice);
            }
            self.run(&mut dice);
        }
        for (session, is_open) in &mut self.sessions {
            if std::mem::take(is_open) {
                session.run("COMMIT").unwrap();
            }
        }
        self.read(1_000, usize::MAX);
        let whole = self.sessions[0].0.query("SELECT version FROM t", &[]).unwrap();
        self.sessions[0].0.run("TRUNCATE t").unwrap();
        let lost = whole.iter().filter(|row| !self.loaded.contains_key(row.text(0))).count();
        let doubled = self.loaded.values().filter(|times| **times > 1).count();
        (lost + doubled > 0).then(|| format!("seed {seed}: {lost} lost, {doubled} doubled"))
    }
}

/// Plays schedules until one goes wrong.
fn play(key: KeyKind, schedules: u64, bug: Option<Bug>) -> Option<String> {
    let first = std::env::var("DSTREAMS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (next, stop) = (AtomicU64::new(first), AtomicBool::new(false));
    let lane = || {
        let database = database("schedules");
        database.psql(TABLE).unwrap();
        let mut tap = tap(&database, json!({"writers_wait_ms": 0}));
        tap.set_bug(bug);
        let stream = select(&tap, "public.t", Some(key.column()));
        let sessions = (0..SESSIONS).map(|_| (client(&database), false)).collect();
        let mut lane =
            Lane { tap, stream, key, sessions, version: 0, bookmark: None, loaded: HashMap::new() };
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + schedules {
                break;
            }
            if let Some(wrong) = lane.play(seed) {
                stop.store(true, Ordering::Relaxed);
                return Some(wrong);
            }
        }
        None
    };
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().find_map(|lane| lane.join().unwrap())
    })
}

/// 10,000 in all with `DSTREAMS_FULL=1`.
fn schedules() -> u64 {
    if std::env::var_os("DSTREAMS_FULL").is_some() { 5_000 } else { 250 }
}

#[test]
fn no_row_with_a_time_is_lost_or_doubled_whoever_commits_when() {
    assert_eq!(play(KeyKind::Clock, schedules(), None), None);
}

#[test]
fn no_row_with_a_number_is_lost_or_doubled_whoever_commits_when() {
    assert_eq!(play(KeyKind::Number, schedules(), None), None);
}

#[test]
fn trusting_the_clock_or_waiting_for_nobody_is_found_out() {
    for (key, bug) in [(KeyKind::Clock, Bug::TrustTheClock), (KeyKind::Number, Bug::WaitForNobody)] {
        let wrong = play(key, 100, Some(bug)).unwrap_or_else(|| panic!("{bug:?} loses nothing"));
        assert!(!wrong.contains(" 0 lost"), "{bug:?}: {wrong}");
    }
}

/// Sessions that really run at once: what falls between two instructions of the server is found by these alone.
#[test]
fn writers_that_do_not_wait_for_each_other_lose_nothing() {
    let seconds = if std::env::var_os("DSTREAMS_FULL").is_some() { 60 } else { 2 };
    for key in [KeyKind::Clock, KeyKind::Number] {
        let database = database("stress");
        database.psql(TABLE).unwrap();
        let tap = tap(&database, json!({"writers_wait_ms": 200}));
        let stream = select(&tap, "public.t", Some(key.column()));
        let (mut lane, version) = (
            Lane {
                tap,
                stream,
                key,
                sessions: Vec::new(),
                version: 0,
                bookmark: None,
                loaded: HashMap::new(),
            },
            Arc::new(AtomicU64::new(0)),
        );
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for at in 0..SESSIONS as u64 {
                let (database, stop, version) = (&database, &stop, version.clone());
                scope.spawn(move || {
                    let (mut session, mut dice) = (client(database), Dice(at * 7 + 3));
                    while !stop.load(Ordering::Relaxed) {
                        let insert = || {
                            let version = version.fetch_add(1, Ordering::Relaxed);
                            format!("INSERT INTO t (version) VALUES ({version})")
                        };
                        let naps = dice.below(4) as f64 * 0.004;
                        let sql = match dice.below(3) {
                            0 => insert(),
                            1 => {
                                format!("BEGIN; {}; SELECT pg_sleep({naps}); {}; COMMIT", insert(), insert())
                            }
                            _ => format!("BEGIN; SELECT pg_sleep({naps}); {}; COMMIT", insert()),
                        };
                        session.run(&sql).unwrap();
                    }
                });
            }
            let until = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
            let mut dice = Dice(5);
            while std::time::Instant::now() < until {
                lane.run(&mut dice);
            }
            stop.store(true, Ordering::Relaxed);
        });
        lane.read(1_000, usize::MAX);
        let all = client(&database).query("SELECT version FROM t", &[]).unwrap();
        let lost = all.iter().filter(|row| !lane.loaded.contains_key(row.text(0))).count();
        let doubled = lane.loaded.values().filter(|times| **times > 1).count();
        assert_eq!((lost, doubled), (0, 0), "{key:?}: of {}", all.len());
        assert!(all.len() > 100, "{}", all.len());
    }
}
