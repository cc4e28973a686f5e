//! One case of `plugin test`, in a process of its own.

use serde_json::{Value, json};
use std::path::PathBuf;

use dstream_conformance::{Outcome as Verdict, Role, Subject, TapReadBack, find_case};
use dstream_core::config::{self, SystemSecrets};
use dstream_core::plugin::Library;
use dstream_core::{ConnectorConfig, ConnectorManifest, Error};

use super::elsewhere;
use crate::args::Globals;
use crate::commands::Outcome;
use crate::exit::{During, ExitCode, Phase};
use crate::session::Session;
use crate::{plugins, redact};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long = "type")]
    type_name: String,
    #[arg(long, value_parser = role)]
    role: Role,
    #[arg(long)]
    case: String,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    config: Option<PathBuf>,
    #[arg(long)]
    read_back: Option<PathBuf>,
    file: PathBuf,
}

fn role(word: &str) -> Result<Role, String> {
    let named = |role: &Role| role.to_string() == word;
    [Role::Tap, Role::Target].into_iter().find(named).ok_or_else(|| "tap or target".to_owned())
}

pub(super) fn run(args: &Args, globals: &Globals) -> Outcome {
    let case = find_case(args.role, &args.case)
        .ok_or_else(|| Error::config(format!("there is no case `{}`", args.case)))
        .during(Phase::Config)?;
    // Ends after the subject: it shuts every library down.
    let session = Session::start(globals)?;
    let library = Library::open(&args.file, plugins::trust(globals)).during(Phase::Plugin)?;
    let subject = Subject::new(library.plugin(), &args.type_name, args.role).during(Phase::Plugin)?;
    let mut subject = subject.with_seed(args.seed);
    if let Some(config) = config_of(args, &library).during(Phase::Config)? {
        subject = subject.with_config(config);
    }
    if let Some(path) = &args.read_back {
        subject = subject.with_read_back(TapReadBack::new(session.open_tap(path, false)?.tap));
    }
    let verdict = case.run(&subject);
    drop(subject);
    elsewhere::answer(&written(&verdict))?;
    Ok(ExitCode::Ok)
}

/// The config that was given, or an empty one for a connector that needs nothing.
fn config_of(args: &Args, library: &Library) -> Result<Option<ConnectorConfig>, Error> {
    let named = |connector: &&ConnectorManifest| connector.type_name == args.type_name;
    let connector = library.manifest().connectors.iter().find(named);
    let role = connector.and_then(|connector| match args.role {
        Role::Tap => connector.tap.as_ref().map(config::Role::Tap),
        Role::Target => connector.target.as_ref().map(config::Role::Target),
    });
    let Some(role) = role else { return Ok(None) };
    if let Some(path) = &args.config {
        let resolved = config::load(path)?.resolve(role, &SystemSecrets)?;
        redact::add_secrets(&resolved.secrets);
        return Ok(Some(resolved.config));
    }
    let (connection, options) = match role {
        config::Role::Tap(tap) => (&tap.connection, &tap.options),
        config::Role::Target(target) => (&target.connection, &target.options),
    };
    let is_required = |options: &Value| options["required"].as_array().is_some_and(|keys| !keys.is_empty());
    if !connection.is_empty() || is_required(options) {
        return Ok(None);
    }
    Ok(Some(ConnectorConfig {
        name: args.type_name.clone(),
        type_name: args.type_name.clone(),
        connection: Value::Null,
        auth: Value::Null,
        options: json!({}),
        batch_size: None,
    }))
}

fn written(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Passed(seen) => json!({ "passed": seen }),
        Verdict::Failed(why) => json!({ "failed": why }),
        Verdict::Skipped(why) => json!({ "skipped": why }),
    }
}

/// What the other process found out.
pub(super) fn read(result: &Value) -> Option<Verdict> {
    let text = |key: &str| result[key].as_str().map(str::to_owned);
    let passed = text("passed").map(Verdict::Passed);
    passed.or_else(|| text("failed").map(Verdict::Failed)).or_else(|| text("skipped").map(Verdict::Skipped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_crosses_from_process_to_process() {
        let text = || "`a`\n\"b\"".to_owned();
        for verdict in [Verdict::Passed(text()), Verdict::Failed(text()), Verdict::Skipped(text())] {
            let crossed = serde_json::from_str(&written(&verdict).to_string()).unwrap();
            assert_eq!(read(&crossed), Some(verdict));
        }
        assert_eq!(read(&Value::Null), None);
    }
}
