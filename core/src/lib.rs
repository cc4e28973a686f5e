//! The DStream engine: it reads from taps, writes to targets and knows what is durable.

pub mod commit;
pub mod state;
