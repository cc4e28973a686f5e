//! What the `export!` macro calls: not for authors.

use std::time::Duration;

use crate::{log_bridge, runtime};

/// Called at every open, with the name of the crate.
pub fn start(library: &'static str) {
    runtime::set_library(library);
    log_bridge::refresh();
}

/// Called when the host shuts the library down.
pub fn stop(deadline: Duration) {
    runtime::stop(deadline);
}
