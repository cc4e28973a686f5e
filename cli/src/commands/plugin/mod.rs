//! `plugin`: the installed plugins.

mod elsewhere; // code of a plugin in a process of its own
mod info;
mod list;
mod options; // a JSON Schema, for people
mod test;
mod test_case; // what the other process of `test` does
mod verify;

use std::path::PathBuf;

use super::Outcome;
use crate::args::Globals;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the plugins that are found, and those that cannot be used and why; runs none of their code
    List,
    /// Show a connector: its options with types and defaults, what it can do, its file
    Info {
        /// The type, as in a config
        #[arg(value_name = "TYPE")]
        type_name: String,
    },
    /// Find out whether a file can be used; loads it in a process of its own
    Verify {
        /// The library
        file: PathBuf,
    },
    /// Find out whether a plugin keeps what it promises: one line per promise, each tested in a process of its own
    Test(test::Args),
    /// One case of `test`
    #[command(hide = true)]
    TestCase(test_case::Args),
    /// The part of `verify` that runs the code of the file
    #[command(hide = true)]
    VerifyLoad {
        /// The library
        file: PathBuf,
    },
}

pub(crate) fn run(command: Command, globals: &Globals) -> Outcome {
    match command {
        Command::List => list::run(globals),
        Command::Info { type_name } => info::run(&type_name, globals),
        Command::Verify { file } => verify::run(&file, globals),
        Command::Test(args) => test::run(&args, globals),
        Command::TestCase(args) => test_case::run(&args, globals),
        Command::VerifyLoad { file } => verify::run_load(&file, globals),
    }
}
