//! Libraries that are broken: each is listed with its reason or refused in one sentence, and none of its code runs before
//! it is used.

use dstream_end_to_end::{Sandbox, cut, example, for_another_machine, without_manifest};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// From the made-up tap, whose library is broken, into SQLite, whose library is not.
fn broken(fault: fn(&Path)) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::usual();
    sandbox.json("tap.json", json!({"name": "made-up", "type": "synthetic", "options": {"rows": 10}}));
    sandbox.json("target.json", json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}}));
    let library = sandbox.install("synthetic", "plugins");
    fault(&library);
    (sandbox, library)
}

fn check_refused(sandbox: &Sandbox, library: &Path, reason: &str, failed: &str) {
    let run = sandbox.run(&["plugin", "list"]).ok();
    let (usable, refused) = run.stdout.split_once("Cannot be used:").unwrap_or_else(|| panic!("{run}"));
    assert!(!usable.contains("synthetic") && usable.contains("sqlite"), "{run}");
    assert!(refused.contains(&library.display().to_string()) && refused.contains(reason), "{reason}: {run}");

    let run = sandbox.run(&["plugin", "verify", &library.display().to_string()]);
    assert_eq!(run.code, 4, "{run}");
    let failures: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert_eq!(failures.len(), 1, "{run}");
    assert!(failures[0].contains(failed), "{run}");
    assert!(run.stdout.contains("skip  can be loaded"), "its code does not run: {run}");

    let error = sandbox.sync(&[]).fails(4);
    assert!(error.contains("`synthetic`"), "{error}");
    assert!(!sandbox.path("out.db").exists(), "nothing is written");
    std::fs::remove_file(library).expect("removed");
    sandbox.install("synthetic", "plugins");
    sandbox.sync(&[]).ok();
}

#[test]
fn a_library_that_is_cut_is_refused() {
    let (sandbox, library) = broken(cut);
    check_refused(&sandbox, &library, "cut", "FAIL  is");
    let (sandbox, _) = broken(cut);
    let error = sandbox.run(&["plugin", "info", "synthetic"]).fails(4);
    assert!(error.contains("1 file there cannot be used"), "{error}");
}

#[test]
fn a_library_for_another_machine_is_refused_and_can_be_described() {
    let (sandbox, _) = broken(for_another_machine);
    let run = sandbox.run(&["plugin", "info", "synthetic"]).ok();
    assert!(run.stdout.contains("state     cannot be used: "), "{run}");
    let (sandbox, library) = broken(for_another_machine);
    check_refused(&sandbox, &library, "machine", "is for this machine");
}

#[test]
fn a_library_without_a_manifest_is_refused() {
    let (sandbox, library) = broken(without_manifest);
    check_refused(&sandbox, &library, "manifest", "has a manifest");
}

#[test]
fn a_library_that_everybody_may_change_is_listed_and_not_run_unless_the_user_says_so() {
    let (sandbox, library) = broken(|_| {});
    sandbox.set_mode("plugins/libdstream_synthetic.so", 0o777);
    let run = sandbox.run(&["plugin", "info", "synthetic"]).ok();
    assert!(run.stdout.contains("state     not trusted: "), "{run}");
    let run = sandbox.run(&["--allow-insecure-plugins", "plugin", "list"]).ok();
    assert!(run.stdout.contains("synthetic"), "{run}");
    sandbox.sync(&["--allow-insecure-plugins"]).ok();
    std::fs::remove_file(sandbox.path("out.db")).expect("removed");
    let error = sandbox.sync(&[]).fails(4);
    assert!(error.contains("every user") && error.contains("chmod go-w"), "{error}");
    check_refused(&sandbox, &library, "can be changed by every user", "is trusted");
}

/// A tap in C, with a constructor that leaves a mark.
#[test]
fn to_list_describe_and_check_plugins_runs_no_code_of_them() {
    let sandbox = Sandbox::usual();
    let mark = sandbox.path("mark");
    let text = "#include <stdio.h>\n__attribute__((constructor)) static void leave(void) {\n  FILE *file = \
                fopen(MARK, \"w\");\n  if (file) fclose(file);\n}\n";
    sandbox.write("leave.c", text);
    let library = sandbox.path("plugins/libc_numbers.so");
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-std=c11", "-fPIC", "-shared", "-fvisibility=hidden"]);
    compiler.arg(format!("-DMARK=\"{}\"", mark.display()));
    compiler.arg(format!("-I{}", example("../abi/include").display())).arg("-o").arg(&library);
    compiler
        .args(["numbers.c", "arrays.c"].map(|file| example("c-tap").join(file)))
        .arg(sandbox.path("leave.c"));
    let compiled = compiler.output().expect("a C compiler");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    sandbox.set_mode("plugins/libc_numbers.so", 0o755);
    sandbox.json("numbers.json", json!({"name": "numbers", "type": "c-numbers", "options": {"rows": 10}}));
    sandbox.json("tap.json", json!({"name": "made-up", "type": "synthetic", "options": {"rows": 10}}));
    sandbox.json("target.json", json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}}));

    let run = sandbox.run(&["plugin", "list"]).ok();
    assert!(run.stdout.contains("c-numbers  yes"), "{run}");
    sandbox.run(&["plugin", "info", "c-numbers"]).ok();
    sandbox.run(&["check", "-c", "tap.json"]).ok();
    sandbox.sync(&[]).ok();
    assert!(!mark.exists(), "the code of a plugin that nobody asked for ran");
    // Where it is asked for, it runs: the mark is a witness.
    sandbox.run(&["check", "-c", "numbers.json"]).ok();
    assert!(mark.exists());
}

#[test]
fn a_plugin_that_panics_is_one_error_with_4() {
    let sandbox = Sandbox::new(&["faulty", "synthetic", "sqlite"]);
    let panicky = |call: &str| json!({"name": "p", "type": "panicky", "options": {"panic_in": call, "write_mode": "append"}});
    let nothing = json!({"name": "nothing", "type": "blackhole", "options": {"write_mode": "append"}});
    let sync = |call: &str| {
        let run = sandbox.sync(&["--state", "state.json"]);
        let error = run.fails(4);
        assert!(
            error.contains("the plugin panicked") && error.contains("report it to its maker"),
            "{call}: {error}"
        );
    };
    sandbox.json("target.json", nothing);
    for call in ["open", "discover", "plan", "open_reader", "next"] {
        let mut config = panicky(call);
        config["options"].as_object_mut().expect("options").remove("write_mode");
        sandbox.json("tap.json", config);
        sync(call);
    }
    sandbox.json(
        "tap.json",
        json!({"name": "made-up", "type": "synthetic", "options": {"rows": 10, "columns": 1}}),
    );
    for call in ["open", "begin", "open_writer", "declare", "write", "prepare", "commit"] {
        sandbox.json("target.json", panicky(call));
        sync(call);
    }
    assert!(!sandbox.path("state.json").exists(), "nothing was committed");
}

#[test]
fn a_batch_that_is_malformed_is_one_error_with_its_stream() {
    let sandbox = Sandbox::new(&["faulty", "sqlite"]);
    sandbox.json("target.json", json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}}));
    // Offsets that fall, an offset far outside, no UTF-8, a length without end, an unknown format, no sizes.
    for case in [1, 2, 8, 11, 17, 29] {
        sandbox.json("tap.json", json!({"name": "f", "type": "faulty", "options": {"malformed": case}}));
        let run = sandbox.sync(&[]);
        let error = run.fails(run.code);
        assert!([4, 10].contains(&run.code), "{case}: {run}");
        assert!(error.starts_with("stream `numbers`: "), "{case}: {error}");
        println!("case {case}: code {}, {}", run.code, error.lines().next().unwrap_or_default());
    }
}
