//! What the target writes is read back bit by bit.

