//! What may be typed. Options of one command stand in its own file.

use clap::{ArgAction, Args, CommandFactory, Parser, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::commands::Command;
use crate::exit;

/// Moves data from taps (sources) to targets (destinations).
#[derive(Parser)]
#[command(name = "dstreams", version, after_help = exit::HELP)]
#[command(subcommand_required = true, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Enable verbose logging; twice for everything
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Print errors only: no progress, no summary, no warnings
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Search this folder for plugins before all others; repeatable
    #[arg(long = "plugin-dir", value_name = "DIR", global = true)]
    pub(crate) plugin_dirs: Vec<PathBuf>,
    /// Run plugins that other users of this machine could have changed
    #[arg(long, global = true)]
    pub(crate) allow_insecure_plugins: bool,
    /// Form of the log on stderr
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, global = true)]
    pub(crate) log_format: LogFormat,
}

/// Form of a log line: for people, or one JSON object a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// What `tap` writes and `target` reads: Singer messages, one JSON object a line, or record batches as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataFormat {
    Singer,
    Arrow,
}

impl DataFormat {
    /// The format that was asked for, or the one the file name says.
    pub(crate) fn of(asked: Option<DataFormat>, file: Option<&std::path::Path>) -> DataFormat {
        let by_name = file.and_then(|file| file.extension()).is_some_and(|extension| extension == "arrows");
        asked.unwrap_or(if by_name { DataFormat::Arrow } else { DataFormat::Singer })
    }
}

/// Reads the command line. Help and version are refusals too, of a friendly kind.
pub(crate) fn read() -> Result<Cli, clap::Error> {
    parse(std::env::args_os().collect::<Vec<_>>())
}

fn parse<T: Into<OsString> + Clone>(args: impl IntoIterator<Item = T> + Clone) -> Result<Cli, clap::Error> {
    let mut cli = Cli::try_parse_from(args.clone())?;
    // Of an option that stands before and after the command, clap takes what stands after it alone.
    let alone = Cli::command().mut_args(|arg| arg.global(false)).ignore_errors(true);
    if let Ok(before) = alone.try_get_matches_from(args) {
        let mut folders: Vec<PathBuf> =
            before.get_many("plugin_dirs").into_iter().flatten().cloned().collect();
        folders.retain(|folder| !cli.globals.plugin_dirs.contains(folder));
        cli.globals.plugin_dirs.splice(..0, folders);
    }
    Ok(cli)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_line_of_the_readme_is_understood() {
        for line in [
            "discover -c examples/tap-config.json -o catalog.json",
            "sync --tap-config tap.json --target-config target.json --catalog catalog.json --state state.json",
            "tap -c tap.json --catalog catalog.json --state state.json -o output.jsonl",
            "target -c target.json -i data.jsonl --state state.json",
            "state view state.json",
            "state clear state.json",
            r#"state set state.json users {"updated_at":"2024-01-01"}"#,
            "catalog view catalog.json",
            "catalog select catalog.json users orders",
            "catalog deselect catalog.json products",
            "-v check -c tap.json",
            "check -vv -c tap.json --plugin-dir a --plugin-dir b --log-format json",
        ] {
            let words = std::iter::once("dstreams").chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn folders_of_plugins_count_before_and_after_the_command() {
        let words = "dstreams --plugin-dir a --plugin-dir=b plugin list --plugin-dir c".split(' ');
        let cli = parse(words).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cli.globals.plugin_dirs, ["a", "b", "c"].map(PathBuf::from));
        let cli =
            parse("dstreams --plugin-dir a plugin list".split(' ')).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(cli.globals.plugin_dirs, [PathBuf::from("a")]);
    }

    #[test]
    fn a_file_ending_in_arrows_keeps_the_batches_in_arrow() {
        let arrows = std::path::Path::new("data.arrows");
        assert_eq!(DataFormat::of(None, Some(arrows)), DataFormat::Arrow);
        assert_eq!(DataFormat::of(None, None), DataFormat::Singer);
        assert_eq!(DataFormat::of(Some(DataFormat::Singer), Some(arrows)), DataFormat::Singer);
    }
}
