//! Time per call, with its spread.

use std::time::{Duration, Instant};

/// The middle half of the samples.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) median_ns: f64,
    first_quartile_ns: f64,
    third_quartile_ns: f64,
}

/// Takes 25 samples of 10 ms or of one call, whichever is longer; three where a call takes a quarter of a second.
pub(crate) fn measure(mut call: impl FnMut()) -> Cost {
    let started = Instant::now();
    let mut calls = 0u32;
    while calls == 0 || started.elapsed() < Duration::from_millis(10) {
        call();
        calls += 1;
    }
    let samples = if started.elapsed() < Duration::from_millis(250) { 25 } else { 3 };
    Cost::of((0..samples).map(|_| {
        let started = Instant::now();
        (0..calls).for_each(|_| call());
        started.elapsed().as_nanos() as f64 / f64::from(calls)
    }))
}

impl Cost {
    pub(crate) fn of(samples: impl Iterator<Item = f64>) -> Cost {
        let mut samples: Vec<f64> = samples.collect();
        samples.sort_by(f64::total_cmp);
        let at = |part: usize| samples[(samples.len() - 1) * part / 4];
        Cost { median_ns: at(2), first_quartile_ns: at(1), third_quartile_ns: at(3) }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text =
            format!("{:.0} ({:.0}..{:.0})", self.median_ns, self.first_quartile_ns, self.third_quartile_ns);
        f.pad(&text)
    }
}
