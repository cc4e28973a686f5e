//! Three orders in a file, on their way to SQLite.

use dstream_end_to_end::{Database, Run, Sandbox};
use serde_json::{Value, json};

/// Three orders, and configs that are right.
pub(crate) fn orders() -> Sandbox {
    let sandbox = Sandbox::usual();
    sandbox.write("files/orders.csv", "id,city\n1,Bern\n2,Rome\n3,Oslo\n");
    tap(&sandbox, json!({}));
    target(&sandbox, json!({}));
    sandbox
}

pub(crate) fn tap(sandbox: &Sandbox, more: Value) {
    let config = json!({"name": "shop", "type": "csv", "connection": {"path": "files"}});
    sandbox.json("tap.json", with(config, more));
}

pub(crate) fn target(sandbox: &Sandbox, more: Value) {
    let config = json!({"name": "local", "type": "sqlite", "connection": {"path": "out.db"}});
    sandbox.json("target.json", with(config, more));
}

pub(crate) fn with(mut config: Value, more: Value) -> Value {
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

pub(crate) fn sync(sandbox: &Sandbox) -> Run {
    sandbox.sync(&["--state", "state.json"])
}

pub(crate) fn count(sandbox: &Sandbox) -> i64 {
    Database::open(&sandbox.path("out.db")).count("orders")
}
