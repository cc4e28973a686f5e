//! The memory of a run: within the budget, and 64 MiB for the program itself.

use dstream_end_to_end::Sandbox;
use serde_json::json;

/// MiB of `VmHWM`: the most that the process ever had, as the system counts it.
fn peak_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

#[test]
fn a_large_stream_into_a_slow_target_stays_within_its_budget() {
    let is_full = std::env::var_os("DSTREAMS_FULL").is_some();
    // 1108 bytes a row, more or less.
    let (rows, speed) = if is_full { (4_850_000, 400_000_000_u64) } else { (290_000, 120_000_000) };
    let budget_mib = 32;
    let sandbox = Sandbox::new(&["synthetic"]);
    sandbox.json(
        "tap.json",
        json!({
            "name": "made-up", "type": "synthetic",
            "options": {"rows": rows, "columns": [{"name": "text", "type": "text"}]},
        }),
    );
    sandbox.json(
        "target.json",
        json!({
            "name": "slow", "type": "blackhole", "options": {"bytes_per_second": speed},
        }),
    );
    let mut peak = 0;
    let run = sandbox
        .start_sync(&[
            "--memory",
            &format!("{budget_mib}MiB"),
            "--report",
            "report.json",
            "--state",
            "state.json",
        ])
        .finish_watched(|run| peak = peak_mib(run.pid()).unwrap_or(0).max(peak))
        .ok();
    let report = sandbox.read_json("report.json");
    let stream = &report["streams"][0];
    assert_eq!((&stream["committed_rows"], &stream["status"]), (&json!(rows), &json!("complete")), "{run}");
    let bytes = stream["read_bytes"].as_u64().unwrap_or(0);
    println!(
        "{} MB in {:.1} s with a budget of {budget_mib} MiB: {peak} MiB at most",
        bytes / 1_000_000,
        report["seconds"].as_f64().unwrap_or(0.0)
    );
    let wanted = if is_full { 5_000_000_000 } else { 300_000_000 };
    assert!(bytes >= wanted, "{bytes} bytes are fewer than the promise is about");
    assert!(peak > 0, "the figure of the system was not seen");
    assert!(peak <= budget_mib + 64, "{peak} MiB");
}
