//! What the tap offers and reads.

mod kit; // files, and what is read of them
mod reading; // rows, limits, cancelling
