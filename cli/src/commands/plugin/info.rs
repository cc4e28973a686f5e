//! `plugin info TYPE`.

use std::fmt::Write;

use dstream_core::config::{describe_options, engine_target_options_schema};
use dstream_core::plugin::{Found, Role, Status};
use dstream_core::{ConnectorManifest, Manifest, TapManifest, TargetManifest};

use super::options;
use crate::args::Globals;
use crate::commands::Outcome;
use crate::exit::{During, ExitCode, Phase};
use crate::{output, plugins};

pub(super) fn run(type_name: &str, globals: &Globals) -> Outcome {
    let registry = plugins::scan(globals)?;
    let offers: Vec<&Found> =
        registry.found().iter().filter(|found| connector(found, type_name).is_some()).collect();
    if offers.is_empty() {
        // The registry knows what to say: where it searched, and what is spelled alike.
        registry.find(type_name, Role::Tap).during(Phase::Plugin)?;
    }
    for (number, found) in offers.iter().enumerate() {
        if let (Some(manifest), Some(connector)) = (&found.manifest, connector(found, type_name)) {
            let gap = if number > 0 { "\n" } else { "" };
            output::line(format!("{gap}{}", describe(found, manifest, connector).trim_end()))?;
        }
    }
    Ok(ExitCode::Ok)
}

fn connector<'a>(found: &'a Found, type_name: &str) -> Option<&'a ConnectorManifest> {
    let manifest = found.manifest.as_ref()?;
    manifest.connectors.iter().find(|connector| connector.type_name == type_name)
}

fn describe(found: &Found, manifest: &Manifest, connector: &ConnectorManifest) -> String {
    let mut text = String::new();
    let abi = &manifest.abi;
    let draft = if abi.draft > 0 { format!(", draft {}", abi.draft) } else { String::new() };
    let license = manifest.license.as_deref().unwrap_or("not said");
    let state = match &found.status {
        Status::Usable => "usable".to_owned(),
        Status::Untrusted(error) => format!("not trusted: {error}"),
        Status::Refused(error) => format!("cannot be used: {error}"),
    };
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:<9} {value}");
        }
    };
    fact("plugin", &format!("{} {}", manifest.id, manifest.version));
    fact("license", license);
    fact("homepage", manifest.homepage.as_deref().unwrap_or_default());
    fact("file", &found.path.display().to_string());
    fact("ABI", &format!("{}.{}{draft}", abi.major, abi.minor));
    fact("SDK", manifest.sdk.as_deref().unwrap_or_default());
    fact("state", &state);
    if let Some(tap) = &connector.tap {
        describe_tap(&mut text, tap);
    }
    if let Some(target) = &connector.target {
        describe_target(&mut text, target);
    }
    let title = if connector.description.is_empty() { &manifest.description } else { &connector.description };
    format!("{}: {}\n{text}", connector.type_name, title)
}

fn describe_tap(text: &mut String, tap: &TapManifest) {
    let _ = writeln!(text, "\nAs a tap");
    takes(text, &tap.connection, &tap.auth);
    let exact = "reading on from a bookmark gives exactly the rest";
    let deterministic = "two runs over the same source give the same records in the same order";
    can(text, &[(tap.exact, exact), (tap.deterministic, deterministic)], &tap.capabilities);
    options::describe(text, &describe_options(&tap.options));
}

fn describe_target(text: &mut String, target: &TargetManifest) {
    let _ = writeln!(text, "\nAs a target");
    takes(text, &target.connection, &target.auth);
    let transactional = "rows and bookmarks become durable in one transaction";
    can(text, &[(target.transactional, transactional)], &target.capabilities);
    if target.case_insensitive_names {
        let _ = writeln!(text, "  names      `Orders` and `orders` are one table");
    }
    let mut all = describe_options(&engine_target_options_schema());
    for option in all.iter_mut().filter(|option| option.name == "write_mode") {
        option.choices = target.write_modes.iter().map(ToString::to_string).collect();
    }
    all.extend(describe_options(&target.options));
    options::describe(text, &all);
}

fn takes(text: &mut String, connection: &[String], auth: &[String]) {
    let listed = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let _ = writeln!(text, "  connection {}", listed(connection));
    let _ = writeln!(text, "  auth       {}", listed(auth));
}

fn can(text: &mut String, claims: &[(bool, &str)], capabilities: &[String]) {
    let claims = claims.iter().filter(|(claimed, _)| *claimed).map(|(_, claim)| *claim);
    let mut heading = "promises";
    for claim in claims.chain(capabilities.iter().map(String::as_str)) {
        let _ = writeln!(text, "  {heading:<10} {claim}");
        heading = "";
    }
}
