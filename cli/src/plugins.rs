//! The plugins that the global options lead to.

use dstream_core::Error;
use dstream_core::plugin::{Environment, Registry, SearchPath, Trust};

use crate::args::Globals;
use crate::exit::{During, Failure, Phase};

/// Looks at every library of every folder; runs none of their code.
///
/// # Errors
/// A folder of `--plugin-dir` cannot be named.
pub(crate) fn scan(globals: &Globals) -> Result<Registry, Failure> {
    let mut folders = Vec::with_capacity(globals.plugin_dirs.len());
    for folder in &globals.plugin_dirs {
        let absolute = std::path::absolute(folder)
            .map_err(|error| Error::config(format!("`--plugin-dir {}`: {error}", folder.display())));
        folders.push(absolute.during(Phase::Plugin)?);
    }
    let search = SearchPath::new(&folders, &Environment::of_process());
    for ignored in &search.ignored {
        tracing::warn!("{ignored}");
    }
    let registry = Registry::scan(&search, trust(globals));
    tracing::debug!(places = registry.places().len(), files = registry.found().len(), "plugins scanned");
    Ok(registry)
}

/// What the user asks of a library before its code runs.
pub(crate) fn trust(globals: &Globals) -> Trust {
    if globals.allow_insecure_plugins { Trust::AllowInsecure } else { Trust::Required }
}
