//! Many writers.
