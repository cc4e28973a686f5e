//! Files that are wrong: the error names the place, and what stands before it is kept.

use dstream_end_to_end::Database;
use serde_json::{Value, json};

use crate::shop::{count, orders, sync, target};

#[test]
fn a_file_that_is_missing_empty_or_has_a_name_twice_is_named() {
    for (content, code, says) in [
        (None, 5, "has no file that ends in .csv"),
        (Some(""), 10, "orders.csv` is empty"),
        (Some("id,city,id\n1,Bern,2\n"), 10, "names `id` twice: columns 1 and 3"),
    ] {
        let sandbox = orders();
        let right = sandbox.read("files/orders.csv");
        match content {
            Some(content) => drop(sandbox.write("files/orders.csv", content)),
            None => std::fs::remove_file(sandbox.path("files/orders.csv")).expect("removed"),
        }
        let error = sync(&sandbox).fails(code);
        assert!(error.contains(says), "{error}");
        sandbox.write("files/orders.csv", right);
        sync(&sandbox).ok();
        assert_eq!(count(&sandbox), 3);
    }
}

#[test]
fn a_bad_row_names_file_line_and_column_and_what_stands_before_it_is_kept() {
    let sandbox = orders();
    target(&sandbox, json!({"batch_size": 2}));
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    let args = ["--catalog", "catalog.json", "--state", "state.json"];
    sandbox.sync(&args).ok();
    let good = format!("{}4,Lima\n5,Kyiv\n", sandbox.read("files/orders.csv"));
    for (row, says) in [
        ("six,Quito\n", "line 7: column `id` has `six`, which is no int64"),
        ("6,Quito,Peru\n", "line 7 has 3 fields, the file has 2 columns"),
        ("6,\"Quito\" x\n", "line 7"),
    ] {
        sandbox.write("files/orders.csv", format!("{good}{row}"));
        let error = sandbox.sync(&args).fails(10);
        assert!(error.starts_with("stream `orders`: `files/orders.csv` "), "{error}");
        assert!(error.contains(says), "{error}");
        assert_eq!(count(&sandbox), 5, "what stands before the row is committed, once");
    }
    sandbox.write("files/orders.csv", format!("{good}6,Quito\n"));
    sandbox.sync(&args).ok();
    assert_eq!(count(&sandbox), 6);
    // Without a catalog the row is found before anything is moved.
    sandbox.append("files/orders.csv", "seven,Riga,x\n");
    let error = sync(&sandbox).fails(10);
    assert!(error.contains("line 8 has 3 fields"), "{error}");
    assert_eq!(count(&sandbox), 6);
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let sandbox = orders();
    sandbox.write("files/users.csv", "id\n1\n2\n");
    sandbox.run(&["discover", "-c", "tap.json"]).ok();
    sandbox.append("files/orders.csv", "four,Paris\n");
    let args = ["--catalog", "catalog.json", "--state", "state.json", "--report", "report.json"];
    let error = sandbox.sync(&args).fails(7);
    assert!(error.contains("stream `orders`"), "{error}");
    assert_eq!(Database::open(&sandbox.path("out.db")).count("users"), 2);
    let status: Vec<Value> = sandbox.read_json("report.json")["streams"]
        .as_array()
        .expect("streams")
        .iter()
        .map(|stream| stream["status"].clone())
        .collect();
    assert_eq!(status, ["failed", "complete"]);
    sandbox.write("files/orders.csv", sandbox.read("files/orders.csv").replace("four", "4"));
    sandbox.sync(&args).ok();
    assert_eq!((count(&sandbox), Database::open(&sandbox.path("out.db")).count("users")), (4, 2));
}
