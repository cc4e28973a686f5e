//! When a window ends.

use std::time::{Duration, Instant};

use dstream_abi::{Bookmark, WindowWish};

/// A window ends at the first checkpoint that reaches one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Bytes of the batches.
    pub bytes: u64,
    /// Records.
    pub rows: u64,
    /// Time since its first record.
    pub duration: Duration,
}

impl WindowLimits {
    /// What a target asks for.
    pub(crate) fn of_wish(wish: WindowWish) -> WindowLimits {
        let WindowWish { rows, bytes, seconds } = wish;
        WindowLimits { bytes: bytes.max(1), rows: rows.max(1), duration: Duration::from_secs(seconds.max(1)) }
    }
}

impl Default for WindowLimits {
    fn default() -> WindowLimits {
        WindowLimits { bytes: 64 << 20, rows: 100_000, duration: Duration::from_secs(10) }
    }
}

/// What a writer was given since the last commit.
#[derive(Debug, Default)]
pub(crate) struct Window {
    pub(crate) rows: u64,
    bytes: u64,
    started: Option<Instant>,
    /// The last checkpoint.
    pub(crate) bookmark: Option<Bookmark>,
    /// Something was written that the last checkpoint does not cover: the window cannot end here.
    pub(crate) is_uncovered: bool,
    /// Schemas or checkpoints came that a commit would make durable, even without rows.
    pub(crate) is_touched: bool,
}

impl Window {
    pub(crate) fn add(&mut self, rows: u64, bytes: u64) {
        self.rows += rows;
        self.bytes += bytes;
        self.is_touched = true;
        self.started.get_or_insert_with(Instant::now);
    }

    pub(crate) fn is_full(&self, limits: &WindowLimits) -> bool {
        self.rows >= limits.rows || self.bytes >= limits.bytes || self.is_due(limits)
    }

    /// Has waited long enough for a commit.
    pub(crate) fn is_due(&self, limits: &WindowLimits) -> bool {
        self.started.is_some_and(|started| started.elapsed() >= limits.duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_full_with_enough_rows_or_enough_bytes() {
        let limits = WindowLimits { bytes: 100, rows: 10, duration: Duration::from_secs(3600) };
        let mut window = Window::default();
        assert!(!window.is_full(&limits));
        window.add(9, 99);
        assert!(!window.is_full(&limits));
        window.add(1, 0);
        assert!(window.is_full(&limits));
        let mut window = Window::default();
        window.add(1, 100);
        assert!(window.is_full(&limits));
    }

    #[test]
    fn an_empty_window_is_never_due() {
        let limits = WindowLimits { duration: Duration::ZERO, ..WindowLimits::default() };
        let mut window = Window::default();
        assert!(!window.is_due(&limits));
        window.add(1, 1);
        assert!(window.is_due(&limits));
    }
}
