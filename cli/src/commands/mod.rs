//! One file per command.

mod catalog;
mod check;
mod completions;
mod discover;
mod plugin;
mod state;
mod sync;
mod tap;
mod target;

use clap::Subcommand;

use crate::args::{Cli, Globals};
use crate::exit::{ExitCode, Failure};
use crate::{log, output};

/// What a command hands back.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Discover available streams from a tap and generate a catalog
    Discover(discover::Args),
    /// Run a complete tap-to-target sync pipeline
    Sync(sync::Args),
    /// Run a tap (source) connector to extract data
    Tap(tap::Args),
    /// Run a target (destination) connector to load data
    Target(target::Args),
    /// Check a config, then the connection it names; writes nothing
    Check(check::Args),
    /// Manage state files
    #[command(subcommand)]
    State(state::Command),
    /// Manage catalog files
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// Look at the installed plugins
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Print the completions of a shell
    Completions(completions::Args),
}

/// Runs what was asked for, and prints why it failed.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let globals = &cli.globals;
    if globals.quiet {
        output::be_quiet();
    }
    log::start(globals);
    run_command(cli.command, globals).unwrap_or_else(|failure| {
        output::failure(&failure);
        failure.code()
    })
}

fn run_command(command: Command, globals: &Globals) -> Outcome {
    match command {
        Command::Discover(args) => discover::run(&args, globals),
        Command::Sync(args) => sync::run(&args, globals),
        Command::Tap(args) => tap::run(&args, globals),
        Command::Target(args) => target::run(&args, globals),
        Command::Check(args) => check::run(&args, globals),
        Command::State(command) => state::run(command),
        Command::Catalog(command) => catalog::run(command),
        Command::Plugin(command) => plugin::run(command, globals),
        Command::Completions(args) => completions::run(&args),
    }
}
