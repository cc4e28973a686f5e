//! `dstreams`: moves data from taps to targets.

mod args; // what may be typed
mod commands; // one file per command
mod crash; // a panic becomes one sentence
mod exit; // who failed -> exit code
mod log; // tracing on stderr
mod output; // the one place that prints
mod plugins; // the libraries that the global options lead to
mod redact; // secrets, out of every line
mod session; // from a config file to an open tap or target
mod signals; // told to stop
mod size; // `512MiB` -> bytes

fn main() -> std::process::ExitCode {
    crash::guard(|| match args::read() {
        Ok(cli) => commands::run(cli),
        Err(refused) => output::usage(&refused),
    })
    .into()
}
