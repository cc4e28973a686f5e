//! What the manifest says, against what the tables have: a library was chosen for the one and is called through the other.

use super::plugin::Connector;
use crate::{ABI_DRAFT, ABI_MAJOR, Error, Manifest, Result};

/// The manifest is for this ABI and names the connectors of the tables, each in the same roles.
pub(crate) fn check(manifest: &Manifest, connectors: &[Connector], plugin: &str) -> Result<()> {
    let abi = manifest.abi;
    if abi.major != ABI_MAJOR {
        let what =
            format!("the manifest of plugin `{plugin}` is for ABI {}, this host has {ABI_MAJOR}", abi.major);
        return Err(Error::unsupported(what).hint("rebuild the plugin with the SDK of this release"));
    }
    if abi.draft != ABI_DRAFT {
        return Err(disagree(plugin, format!("draft {} of the ABI", abi.draft), format!("{ABI_DRAFT}")));
    }
    for promised in &manifest.connectors {
        let name = &promised.type_name;
        let found = connectors.iter().find(|connector| connector.type_name == *name);
        let has_tap = found.is_some_and(|connector| connector.tap.is_some());
        let has_target = found.is_some_and(|connector| connector.target.is_some());
        for (role, is_promised, is_there) in
            [("tap", promised.tap.is_some(), has_tap), ("target", promised.target.is_some(), has_target)]
        {
            match (is_promised, is_there) {
                (true, false) => return Err(disagree(plugin, format!("the {role} `{name}`"), "none".into())),
                (false, true) => return Err(disagree(plugin, format!("no {role} `{name}`"), "one".into())),
                _ => {}
            }
        }
    }
    let is_named = |connector: &&Connector| {
        manifest.connectors.iter().any(|promised| promised.type_name == connector.type_name)
    };
    match connectors.iter().find(|connector| !is_named(connector)) {
        Some(connector) => {
            Err(disagree(plugin, format!("nothing of `{}`", connector.type_name), "it".into()))
        }
        None => Ok(()),
    }
}

fn disagree(plugin: &str, manifest: String, tables: String) -> Error {
    Error::bug(format!("the manifest of plugin `{plugin}` names {manifest}, its tables have {tables}"))
        .hint("ask whoever made the plugin for another build")
}
