//! Buckets of object stores: rows go there and come back, and what goes wrong is one sentence without secrets.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use dstream_end_to_end::{Database, Run, Sandbox};
use dstream_object_server::{ACCOUNT, ACCOUNT_KEY, AzureServer, BUCKET, S3Server};
use serde_json::{Value, json};
use std::any::Any;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::nyc::{STREAMS, nyc};
use crate::shop::{orders, tap, target};

/// A bucket, and who may do what with it.
struct Lake {
    scheme: &'static str,
    endpoint: String,
    auth: Value,
    /// Members of `auth` that are secret.
    secret: &'static [&'static str],
    _server: Box<dyn Any>,
}

impl Lake {
    fn s3() -> Lake {
        let server = S3Server::start_checked().expect("a server");
        let keys = server.keys().clone();
        Lake {
            scheme: "s3",
            endpoint: server.endpoint(),
            auth: json!({"type": "access_key", "access_key_id": keys.id, "secret_access_key": keys.secret,
                "session_token": keys.token}),
            secret: &["secret_access_key", "session_token"],
            _server: Box::new(server),
        }
    }

    fn azure() -> Lake {
        let server = AzureServer::start().expect("a server");
        Lake {
            scheme: "az",
            endpoint: server.endpoint(),
            auth: json!({"type": "account_key", "account": ACCOUNT, "key": ACCOUNT_KEY}),
            secret: &["key"],
            _server: Box::new(server),
        }
    }

    fn azure_with_token() -> Lake {
        let server = AzureServer::start().expect("a server");
        Lake {
            scheme: "az",
            endpoint: server.endpoint(),
            auth: json!({"type": "sas", "account": ACCOUNT, "token": server.token("racwdl").expect("a token")}),
            secret: &["token"],
            _server: Box::new(server),
        }
    }

    fn all() -> [Lake; 3] {
        [Lake::s3(), Lake::azure(), Lake::azure_with_token()]
    }

    /// Of the tap or target in the bucket.
    fn config(&self) -> Value {
        json!({
            "name": "lake", "type": "parquet",
            "connection": {"url": format!("{}://{BUCKET}/lake", self.scheme), "endpoint": self.endpoint, "allow_http": true},
            "auth": self.auth,
        })
    }

    fn secrets(&self) -> Vec<String> {
        self.secret.iter().map(|name| self.auth[name].as_str().expect("a text").to_owned()).collect()
    }
}

/// A sync of these configs, and the rows that each stream committed, where there were any.
fn moved(sandbox: &Sandbox, tap: &Value, target: &Value) -> Vec<(String, u64)> {
    sandbox.json("tap.json", tap.clone());
    sandbox.json("target.json", target.clone());
    let name = format!("{}-{}", tap["type"], target["type"]).replace('"', "");
    sandbox.sync(&["--state", &format!("{name}.json"), "--report", "report.json"]).ok();
    let report = sandbox.read_json("report.json");
    let streams = report["streams"].as_array().expect("streams").iter();
    let rows = |stream: &Value| {
        (
            stream["stream"].as_str().expect("a name").to_owned(),
            stream["committed_rows"].as_u64().expect("a count"),
        )
    };
    streams.map(rows).filter(|(_, rows)| *rows > 0).collect()
}

#[test]
fn rows_go_into_a_bucket_and_come_back_the_same() {
    let lake = Lake::s3();
    let sandbox = nyc(json!({}));
    let (files, local) = (sandbox.read_json("tap.json"), sandbox.read_json("target.json"));
    let bucket = lake.config();
    let mut back = local.clone();
    back["connection"]["path"] = "back.db".into();
    // The way without a bucket is what it is compared with.
    moved(&sandbox, &files, &local);
    let there = moved(&sandbox, &files, &bucket);
    assert_eq!(there.len(), STREAMS.len());
    assert_eq!(moved(&sandbox, &bucket, &back), there, "as many rows come back");
    let content = |name: &str| Database::open(&sandbox.path(name)).content();
    assert!(content("out.db") == content("back.db"), "other rows came back");
    assert_eq!(moved(&sandbox, &files, &bucket), [], "a second run has nothing to do");
    assert_eq!(moved(&sandbox, &bucket, &back), []);
    sandbox.append("nyc/airlines.csv", "ZZ,\"Zeppelin, Zürich\"\n");
    let one = [("airlines".to_owned(), 1)];
    assert_eq!(moved(&sandbox, &files, &bucket), one);
    assert_eq!(moved(&sandbox, &bucket, &back), one);
}

#[test]
fn every_kind_of_key_opens_its_bucket() {
    for lake in Lake::all() {
        let sandbox = orders();
        let (files, bucket) = (sandbox.read_json("tap.json"), lake.config());
        let back = sandbox.read_json("target.json");
        let all = [("orders".to_owned(), 3)];
        assert_eq!(moved(&sandbox, &files, &bucket), all);
        assert_eq!(moved(&sandbox, &bucket, &back), all);
        assert_eq!(moved(&sandbox, &files, &bucket), []);
    }
}

/// Orders on their way to the bucket, and from it, at once: what both runs say of it.
fn fails(config: &Value, codes: [i32; 2]) -> [String; 2] {
    let run = |code: i32, place: fn(&Sandbox, Value)| {
        let sandbox = orders();
        place(&sandbox, config.clone());
        let error = sandbox.sync(&["--state", "state.json"]).fails(code);
        assert!(!sandbox.path("state.json").exists(), "nothing is done");
        error
    };
    std::thread::scope(|scope| {
        let to = scope.spawn(|| run(codes[0], target));
        let from = run(codes[1], tap);
        [to.join().expect("it fails as it should"), from]
    })
}

/// With the right keys there is nothing in the bucket.
fn is_empty(lake: &Lake) {
    let sandbox = orders();
    tap(&sandbox, lake.config());
    let error = sandbox.sync(&[]).fails(5);
    assert!(error.contains("there is nothing at"), "{error}");
}

#[test]
fn wrong_keys_are_refused_in_one_sentence() {
    for lake in Lake::all() {
        let mut config = lake.config();
        for name in lake.secret {
            // Another letter behind the first ones, so that the form stays what it was.
            let text = config["auth"][name].as_str().expect("a text").to_owned();
            let at = text.find("sig=").map_or(5, |at| at + 5);
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            config["auth"][name] = format!("{}{other}{}", &text[..at], &text[at + 1..]).into();
        }
        for error in fails(&config, [6, 5]) {
            assert!(
                error.contains("give the keys of `auth` the right") || error.contains("keys that are valid"),
                "{error}"
            );
        }
        is_empty(&lake);
    }
}

#[test]
fn a_bucket_that_there_is_not_is_a_fault_of_the_config() {
    for lake in [Lake::s3(), Lake::azure()] {
        let mut config = lake.config();
        config["connection"]["url"] = format!("{}://nowhere/lake", lake.scheme).into();
        for error in fails(&config, [3, 3]) {
            assert!(error.contains("there is no such bucket"), "{error}");
        }
    }
}

#[test]
fn an_endpoint_that_is_down_is_one_sentence_in_time() {
    let lake = Lake::azure();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    for scheme in ["s3", "az"] {
        let mut config = lake.config();
        config["connection"]["endpoint"] = format!("http://{address}/{ACCOUNT}").into();
        config["connection"]["url"] = format!("{scheme}://{BUCKET}/lake").into();
        if scheme == "s3" {
            config["auth"] =
                json!({"type": "access_key", "access_key_id": "key", "secret_access_key": "correct-horse"});
        }
        let start = Instant::now();
        for error in fails(&config, [6, 5]) {
            assert!(error.contains("refused") && error.contains("run again"), "{error}");
        }
        let took = start.elapsed();
        println!("{scheme}: two runs in {took:?}");
        assert!(took < Duration::from_secs(120), "{took:?}");
    }
}

/// Takes connections and says nothing; it ends with the test's process.
fn silence() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    endpoint
}

#[test]
fn an_endpoint_that_never_answers_is_given_up_within_two_minutes() {
    let config = json!({
        "name": "lake", "type": "parquet",
        "connection": {"url": "s3://bucket/lake", "endpoint": silence(), "allow_http": true},
        "auth": {"type": "access_key", "access_key_id": "key", "secret_access_key": "correct-horse"},
    });
    let start = Instant::now();
    for error in fails(&config, [6, 5]) {
        assert!(error.contains("timed out") && error.contains("run again"), "{error}");
    }
    let took = start.elapsed();
    println!("two runs at once: {took:?}");
    assert!(took < Duration::from_secs(120), "{took:?}");
}

/// Where a secret stands in something: as it is, in base64, and as in a url.
fn spellings(secret: &str) -> Vec<String> {
    let escaped = |of: fn(u8) -> String| -> String {
        secret
            .bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { of(byte) })
            .collect()
    };
    let all = [
        secret.to_owned(),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        escaped(|byte| format!("%{byte:02X}")),
        escaped(|byte| format!("%{byte:02x}")),
    ];
    // The end of one without padding follows from what stands behind it.
    all.map(|text| text.chars().take(text.chars().count() - 2).collect()).into()
}

#[test]
fn no_output_shows_the_keys_of_a_bucket() {
    for lake in Lake::all() {
        let sandbox = orders();
        let files = sandbox.read_json("tap.json");
        let local = sandbox.read_json("target.json");
        let secrets = lake.secrets();
        let mut parts: Vec<String> = secrets.clone();
        // The signature of a token is what is secret in it.
        parts.extend(secrets.iter().filter_map(|text| Some(text.split_once("sig=")?.1.to_owned())));
        let spellings: Vec<String> = parts.iter().flat_map(|secret| spellings(secret)).collect();
        let check = |what: &str, text: &str| {
            let found = spellings.iter().find(|spelling| text.contains(*spelling));
            assert!(found.is_none(), "{}, {what}: {found:?} in {text}", lake.scheme);
        };
        let run = |args: &[&str]| -> Run {
            let mut command = sandbox.command(args);
            for (number, secret) in secrets.iter().enumerate() {
                command.env(format!("SECRET_{number}"), secret);
            }
            let run = sandbox.run_command(command);
            check("stdout", &run.stdout);
            check("stderr", &run.stderr);
            run
        };
        let sync = [
            "sync",
            "--tap-config",
            "tap.json",
            "--target-config",
            "target.json",
            "--state",
            "state.json",
            "--report",
            "report.json",
            "-vv",
        ];
        let mut bucket = lake.config();
        for (number, name) in lake.secret.iter().enumerate() {
            bucket["auth"][name] = format!("${{env:SECRET_{number}}}").into();
        }
        sandbox.json("tap.json", files);
        sandbox.json("target.json", bucket.clone());
        for format in ["text", "json"] {
            run(&[&sync[..], &["--log-format", format]].concat()).ok();
        }
        run(&["check", "-c", "target.json", "-vv"]);
        // The same keys where they do not help: no such bucket, somebody else's account, nobody who listens.
        let mut wrong = bucket.clone();
        wrong["connection"]["url"] = format!("{}://nowhere/lake", lake.scheme).into();
        // A token is of one container.
        let [to, from] = if lake.secret == ["token"] { [6, 5] } else { [3, 3] };
        sandbox.json("target.json", wrong.clone());
        run(&sync).fails(to);
        sandbox.json("tap.json", wrong);
        sandbox.json("target.json", local.clone());
        run(&sync).fails(from);
        sandbox.json("tap.json", bucket.clone());
        run(&["discover", "-c", "tap.json", "-vv"]).ok();
        run(&[&sync[..5], &["--state", "back.json", "-vv"]].concat()).ok();
        assert_eq!(Database::open(&sandbox.path("out.db")).count("orders"), 3);
        // A token says itself whose it is.
        if lake.secret != ["token"] {
            let name = if lake.scheme == "s3" { "access_key_id" } else { "account" };
            bucket["auth"][name] = "somebody".into();
            sandbox.json("tap.json", bucket);
            run(&[&sync[..5], &["--state", "other.json", "-vv"]].concat()).fails(5);
        }
        for file in ["state.json", "report.json", "back.json", "catalog.json"] {
            check(file, &sandbox.read(file));
        }
    }
}
