//! `plugin test FILE`: the conformance kit on a plugin, one line per case.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dstream_conformance::{Case, Outcome as Verdict, Role, cases};
use dstream_core::config::{self, SystemSecrets, hint_for};
use dstream_core::{ConnectorManifest, Error, Manifest, plugin};

use super::elsewhere::{self, Ended, Said};
use super::test_case;
use crate::args::Globals;
use crate::commands::Outcome;
use crate::exit::{During, ExitCode, Failure, Phase};
use crate::{output, plugins};

/// A case that takes longer has lost its way.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The library
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    /// A config for a connector of the library; repeatable. A target gets tables of the names `dstreams_test_*`
    #[arg(short, long = "config", value_name = "FILE")]
    configs: Vec<PathBuf>,
    /// The config of a tap, of any plugin, that reads the tables that the target wrote
    #[arg(long, value_name = "FILE")]
    read_back: Option<PathBuf>,
    /// Run this case only; repeatable
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// What is drawn at random follows from it; left out, it is new every time
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// List the cases, and what selects them
    #[arg(long)]
    list: bool,
}

/// One connector in one role, with its config.
struct Tested<'a> {
    connector: &'a ConnectorManifest,
    role: Role,
    config: Option<&'a Path>,
}

pub(super) fn run(args: &Args, globals: &Globals) -> Outcome {
    check_names(&args.cases).during(Phase::Config)?;
    let file = match &args.file {
        Some(file) if !args.list => file,
        _ => return list(),
    };
    let manifest = plugin::read_manifest(file, plugins::trust(globals)).during(Phase::Plugin)?;
    let tested = tested(&manifest, &args.configs)?;
    let seed = args.seed.unwrap_or_else(new_seed);
    let mut counts = [0; 3];
    for tested in &tested {
        output::line(format!("{} {}", tested.role, tested.connector.type_name))?;
        for case in cases(tested.role).filter(|case| is_wanted(case, &args.cases)) {
            let verdict = run_case(case, tested, file, args, seed, globals)?;
            let (at, word, text) = match &verdict {
                Verdict::Passed(seen) => (0, "pass", seen),
                Verdict::Failed(why) => (1, "FAIL", why),
                Verdict::Skipped(why) => (2, "skip", why),
            };
            counts[at] += 1;
            let colon = if text.is_empty() { "" } else { ": " };
            output::line(format!("  {word}  {}{colon}{}", case.name, text.replace('\n', " ")))?;
        }
    }
    let [passed, failed, skipped] = counts;
    output::line(format!("{passed} passed, {failed} failed, {skipped} skipped; seed {seed}"))?;
    Ok(if failed == 0 { ExitCode::Ok } else { ExitCode::Plugin })
}

fn list() -> Outcome {
    for role in [Role::Tap, Role::Target] {
        output::line(format!("{role}"))?;
        for case in cases(role) {
            output::line(format!("  {}: {}", case.name, case.promise))?;
            let needs = case.needs().collect::<Vec<_>>().join(", ");
            if !needs.is_empty() {
                output::line(format!("      where there is: {needs}"))?;
            }
        }
    }
    Ok(ExitCode::Ok)
}

fn check_names(wanted: &[String]) -> Result<(), Error> {
    let known = || [Role::Tap, Role::Target].into_iter().flat_map(cases).map(|case| case.name);
    match wanted.iter().find(|wanted| known().all(|name| name != wanted.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let names: Vec<&str> = known().collect();
            Err(Error::config(format!("there is no case `{unknown}`"))
                .hint(hint_for("cases", unknown, names)))
        }
    }
}

fn is_wanted(case: &Case, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|name| name == case.name)
}

/// Every connector of the library in every role, with every config that is for it.
fn tested<'a>(manifest: &'a Manifest, configs: &'a [PathBuf]) -> Result<Vec<Tested<'a>>, Failure> {
    let mut tested = Vec::new();
    for path in configs {
        let written = config::load(path).during(Phase::Config)?;
        let named = |connector: &&ConnectorManifest| connector.type_name == written.type_name;
        let Some(connector) = manifest.connectors.iter().find(named) else {
            let types = manifest.connectors.iter().map(|connector| connector.type_name.as_str());
            let error = Error::config(format!("the plugin has no connector `{}`", written.type_name));
            let hint = hint_for("types", &written.type_name, types.collect::<Vec<_>>());
            return Err(error.hint(hint)).during(Phase::Config);
        };
        let fits = |role: &config::Role<'_>| written.resolve(*role, &SystemSecrets).map(drop);
        let roles = roles(connector);
        let fitting = roles.iter().filter(|(_, role)| fits(role).is_ok()).map(|(role, _)| *role);
        let fitting: Vec<Role> = fitting.collect();
        if let ([], Some((_, first))) = (&fitting[..], roles.first()) {
            fits(first).during(Phase::Config)?;
        }
        let config = Some(path.as_path());
        tested.extend(fitting.into_iter().map(|role| Tested { connector, role, config }));
    }
    for connector in &manifest.connectors {
        for (role, _) in roles(connector) {
            let has_config = tested
                .iter()
                .any(|tested| tested.connector.type_name == connector.type_name && tested.role == role);
            if !has_config {
                tested.push(Tested { connector, role, config: None });
            }
        }
    }
    Ok(tested)
}

fn roles(connector: &ConnectorManifest) -> Vec<(Role, config::Role<'_>)> {
    let tap = connector.tap.iter().map(|tap| (Role::Tap, config::Role::Tap(tap)));
    let target = connector.target.iter().map(|target| (Role::Target, config::Role::Target(target)));
    tap.chain(target).collect()
}

fn run_case(
    case: &Case,
    tested: &Tested<'_>,
    file: &Path,
    args: &Args,
    seed: u64,
    globals: &Globals,
) -> Result<Verdict, Failure> {
    let mut command = elsewhere::command("test-case", globals).during(Phase::Plugin)?;
    command.args(["--type", &tested.connector.type_name, "--role", &tested.role.to_string()]);
    command.args(["--case", case.name, "--seed", &seed.to_string()]);
    for (option, path) in [("--config", tested.config), ("--read-back", args.read_back.as_deref())] {
        if let Some(path) = path {
            command.arg(option).arg(path);
        }
    }
    command.arg("--").arg(file);
    Ok(match elsewhere::run(command, PATIENCE).during(Phase::Plugin)? {
        Ended::ByItself(said) => judge(&said),
        Ended::NotInTime => Verdict::Failed(format!("it did not end within {} s", PATIENCE.as_secs())),
    })
}

fn judge(said: &Said) -> Verdict {
    match test_case::read(&said.result) {
        Some(verdict) if said.status.success() => verdict,
        // What it had found out does not matter any more: the plugin brought the process down after it.
        _ if said.last_words.is_empty() => Verdict::Failed(format!("the process ended with {}", said.status)),
        _ => Verdict::Failed(format!("the process ended with {}: {}", said.status, said.last_words)),
    }
}

fn new_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // The standard library's source of randomness; short enough to be typed.
    RandomState::new().hash_one(0) & 0xffff_ffff
}
