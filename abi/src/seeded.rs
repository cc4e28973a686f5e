//! Bugs on purpose, in builds with the feature `seeded-bugs` alone.

/// Names the bug that a process is to have.
const VARIABLE: &str = "DSTREAMS_SEEDED_BUG";

/// Whether this process is to have the bug of this name, so that a harness shows that it finds it. Never so, unless it is
/// built with the feature `seeded-bugs`.
#[doc(hidden)]
pub fn has_seeded_bug(name: &str) -> bool {
    cfg!(feature = "seeded-bugs") && std::env::var_os(VARIABLE).is_some_and(|bug| bug == name)
}
