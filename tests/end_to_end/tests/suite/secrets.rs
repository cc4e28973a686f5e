//! What is secret is in no output.

use serde_json::json;

use crate::shop::{orders, tap};

#[test]
fn no_output_shows_a_secret() {
    let secret = "correct-horse-7";
    let sandbox = orders();
    sandbox.write("token", format!("{secret}\n"));
    sandbox.set_mode("token", 0o600);
    sandbox.append("files/orders.csv", &format!("4,{secret}\n"));
    let catalog = sandbox.run(&["discover", "-c", "tap.json"]);
    catalog.ok();
    let broken = format!("{secret},x\n");
    let run = |name: &str, args: &[&str]| {
        let mut command = sandbox.command(args);
        command.env("TOKEN", secret);
        let run = sandbox.run_command(command);
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{name}: {run}");
        run
    };
    let all = [
        "sync",
        "--tap-config",
        "tap.json",
        "--target-config",
        "target.json",
        "--report",
        "report.json",
        "-vv",
    ];
    for reference in ["${env:TOKEN}", "${file:token}"] {
        tap(&sandbox, json!({"options": {"null_values": ["", reference]}}));
        run("sync", &all).ok();
        run("check", &["check", "-c", "tap.json", "-vv", "--log-format", "json"]).ok();
        run("a wrong option", &["plugin", "info", "csv"]).ok();
        assert!(!sandbox.read("report.json").contains(secret));
        // Where the secret is itself what is wrong.
        tap(&sandbox, json!({"options": {"delimiter": reference}}));
        run("delimiter", &all).fails(3);
        tap(&sandbox, json!({"options": {"types": {"id": reference}}}));
        run("types", &all).fails(3);
        tap(&sandbox, json!({"options": {"header": reference}}));
        run("header", &all).fails(3);
        tap(&sandbox, json!({"auth": {"type": "bearer", "token": reference}}));
        run("auth", &all).fails(3);
        tap(&sandbox, json!({"auth": {"type": "basic", "username": "me", "password": reference}}));
        run("auth", &all).fails(3);
        tap(&sandbox, json!({"connection": {"url": format!("https://me:{reference}@example.com")}}));
        run("url", &all).fails(3);
    }
    // In a record that does not fit.
    tap(&sandbox, json!({"options": {"null_values": ["", "${env:TOKEN}"], "types": {"id": "int64"}}}));
    sandbox.write("files/orders.csv", format!("id,city\nx{broken}"));
    let error = run("a bad row", &all).fails_without_hint(10).0;
    assert!(error.contains("***"), "{error}");
    // Written out, as it should not be.
    tap(&sandbox, json!({"auth": {"type": "bearer", "token": secret}}));
    run("in clear", &all).fails(3);
}
