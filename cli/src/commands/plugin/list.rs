//! `plugin list`.

use dstream_core::plugin::{Found, Registry, Role};

use crate::args::Globals;
use crate::commands::Outcome;
use crate::exit::ExitCode;
use crate::output::{self, Table};
use crate::plugins;

pub(super) fn run(globals: &Globals) -> Outcome {
    let registry = plugins::scan(globals)?;
    let table = usable(&registry);
    if table.is_empty() {
        output::line("no plugin can be used")?;
    } else {
        output::line(table.to_string())?;
    }
    let mut first = true;
    for found in registry.found() {
        let Some(problem) = found.problem() else { continue };
        if std::mem::take(&mut first) {
            output::line("\nCannot be used:")?;
        }
        output::line(format!("  {}\n    {problem}", found.path.display()))?;
        if let Some(hint) = problem.hint_text() {
            output::line(format!("    hint: {hint}"))?;
        }
    }
    output::line("\nSearched:")?;
    for place in registry.places() {
        output::line(format!("  {place}, {}", place.source))?;
    }
    Ok(ExitCode::Ok)
}

fn usable(registry: &Registry) -> Table {
    let mut table = Table::new(["TYPE", "TAP", "TARGET", "PLUGIN", "VERSION", "FILE"]);
    for found in registry.found().iter().filter(|found| found.problem().is_none()) {
        let Some(manifest) = &found.manifest else { continue };
        for connector in &manifest.connectors {
            let has =
                |role| if is_offered(found, &connector.type_name, role) { "yes" } else { "" }.to_owned();
            table.row([
                connector.type_name.clone(),
                has(Role::Tap),
                has(Role::Target),
                manifest.id.clone(),
                manifest.version.clone(),
                found.path.display().to_string(),
            ]);
        }
    }
    table
}

fn is_offered(found: &Found, type_name: &str, role: Role) -> bool {
    found.connectors(role).any(|connector| connector.type_name == type_name)
}
