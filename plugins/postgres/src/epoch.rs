//! Where the server begins to count: the first moment of 2000, counted from that of 1970.

/// In microseconds.
pub(crate) const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;
/// In days.
pub(crate) const EPOCH_DAYS: i32 = 10_957;
