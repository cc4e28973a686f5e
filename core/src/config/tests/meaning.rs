//! What it means.

use super::*;

#[test]
fn the_name_is_the_type_where_there_is_none() {
    assert_eq!(resolve(json!({}), &[]).unwrap().config.name, "csv");
    assert_eq!(resolve(json!({"name": "${env:N}"}), &[("N", "shop")]).unwrap().config.name, "shop");
}

#[test]
fn a_connection_has_one_form_and_nothing_beside_it() {
    for (connection, expected) in [
        (json!({"url": "u", "path": "p"}), "more than one of `url`, `path`"),
        (json!({"port": 1}), "none of `url`, `host`, `path`"),
        (json!({}), "none of `url`, `host`, `path`"),
        (json!({"path": "p", "port": 1}), "`connection.port` goes with `host`, found `path`"),
        (json!({"url": "u", "database": "d"}), "`connection.database` goes with `host`"),
        (json!({"path": "p", "region": "r"}), "`connection.region` goes with `url`, found `path`"),
        (json!({"url": "u", "endpoint": 5}), "`connection.endpoint` must be text"),
        (json!({"url": ""}), "`connection.url` is empty"),
        (json!({"host": 5}), "`connection.host` must be text, found a number"),
        (json!({"host": "h", "port": "x"}), "`connection.port` must be a number from 1 to 65535, found text"),
        (json!({"host": "h", "port": 70000}), "found 70000"),
        (json!({"hots": "h"}), "`connection.hots` is not known here, the nearest known key is `host`"),
    ] {
        let message = message(resolve(json!({ "connection": connection }), &[]));
        assert!(message.contains(expected), "{message}");
        assert!(message.starts_with("config `/etc/shop.json`: "), "{message}");
    }
    let host = json!({"host": "h", "port": "${env:PORT}", "database": "d"});
    let resolved = resolve(json!({ "connection": host }), &[("PORT", "5432")]).unwrap();
    assert_eq!(resolved.config.connection, json!({"host": "h", "port": 5432, "database": "d"}));
}

#[test]
fn auth_has_one_of_some_forms() {
    for auth in [
        json!({"type": "none"}),
        json!({"type": "bearer", "token": "t"}),
        json!({"type": "basic", "username": "u", "password": ""}),
        json!({"type": "oauth2", "client_id": "c", "client_secret": "s", "token_url": "u", "scope": "x", "refresh_token": "r"}),
        json!({"type": "access_key", "access_key_id": "i", "secret_access_key": "s", "session_token": "t"}),
        json!({"type": "account_key", "account": "a", "key": "k"}),
        json!({"type": "sas", "account": "a", "token": "t"}),
        json!({"type": "service_account", "key": "{}"}),
        json!({"type": "environment"}),
    ] {
        assert_eq!(resolve(json!({"auth": auth}), &[]).unwrap().config.auth, auth);
    }
    let resolved = resolve(json!({"auth": {"type": "api_key", "key": "k"}}), &[]).unwrap();
    assert_eq!(resolved.config.auth["header"], "X-API-Key");
    for (auth, expected) in [
        (json!({}), "`auth.type` is missing"),
        (json!({"type": "berer"}), "`auth.type` does not take `berer` [did you mean `bearer`?]"),
        (
            json!({"type": "basic", "username": "u"}),
            "`auth.password` is missing [`basic` needs `username`, `password`]",
        ),
        (
            json!({"type": "bearer", "tokn": "t"}),
            "`auth.tokn` is not known here, the nearest known key is `token`",
        ),
        (json!({"type": "bearer", "token": ""}), "`auth.token` is empty"),
        (json!({"type": "api_key", "key": 5}), "`auth.key` must be text, found a number"),
    ] {
        let message = message(resolve(json!({ "auth": auth }), &[]));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn forms_that_the_connector_does_not_take_are_refused() {
    let bare = TapManifest::default();
    let by_path = TapManifest { connection: words(&["path"]), auth: words(&["basic"]), ..bare.clone() };
    let check = |manifest: &TapManifest, config: Value| {
        message(written(config).unwrap().resolve(Role::Tap(manifest), &known(&[])))
    };
    let message = check(&by_path, json!({"type": "csv", "connection": {"url": "u"}}));
    assert!(message.contains("`connection` is by `url`, which type `csv` does not take"), "{message}");
    assert!(message.contains("is connected by `path`"), "{message}");
    assert!(check(&by_path, json!({"type": "csv"})).contains("`connection` is missing"));
    let token = json!({"type": "csv", "connection": {"path": "p"}, "auth": {"type": "bearer", "token": "t"}});
    assert!(check(&by_path, token).contains("it takes `none`, `basic`"));
    assert!(
        check(&bare, json!({"type": "csv", "connection": {"path": "p"}})).contains("needs no connection")
    );
    assert!(check(&bare, json!({"type": "csv", "options": {"a": 1}})).contains("`options.a` is not known"));
    written(json!({"type": "csv"})).unwrap().resolve(Role::Tap(&bare), &known(&[])).unwrap();
    let streams = json!({"type": "sqlite", "connection": {"path": "p"}, "streams": ["a"]});
    let refused = written(streams).unwrap().resolve(Role::Target(&target()), &known(&[]));
    assert!(self::message(refused).contains("`streams` is for a tap"));
}

#[test]
fn options_are_checked_against_the_manifest() {
    let everything = json!({"folder": "f", "batch_rows": 5, "header": false, "quote": "never",
        "null_values": ["", "NA"], "token": "t", "users": [{"name": "a", "pin": 1234}]});
    let resolved = resolve(json!({ "options": everything }), &[]).unwrap();
    assert_eq!(resolved.config.options, everything);
    for (options, expected) in [
        (
            json!({"foldr": "f"}),
            "`options.foldr` is not known here, the nearest known option is `folder` [known options: `folder`, `batch_rows`,",
        ),
        (json!({"batch_rows": "5"}), "`options.batch_rows` must be a whole number, found text"),
        (json!({"batch_rows": 0}), "`options.batch_rows`: the value is less than the minimum of 1"),
        (json!({"header": 1}), "`options.header` must be true or false, found a number"),
        (json!({"null_values": ["", 1]}), "`options.null_values[1]` must be text, found a number"),
        (
            json!({"quote": "sometimes"}),
            "`options.quote` does not take `sometimes` [it takes `always`, `never`]",
        ),
        (json!({"token": 5}), "`options.token` must be text, found a number"),
        (
            json!({"users": [{"nam": "a"}]}),
            "`options.users[0].nam` is not known here, the nearest known option is `name`",
        ),
        (json!({"write_mode": "append"}), "`options.write_mode` is not known here"),
    ] {
        let message = message(resolve(json!({ "options": options }), &[]));
        assert!(message.contains(expected), "{message}");
    }
    let config = json!({"type": "csv", "connection": {"path": "p"}});
    let missing = message(written(config).unwrap().resolve(Role::Tap(&tap()), &known(&[])));
    assert!(missing.contains("`options.folder` is missing [`folder`: Folder with the files.]"), "{missing}");
}

#[test]
fn a_schema_that_is_broken_is_the_plugins_fault() {
    let manifest = TapManifest { options: json!({"type": "nothing"}), ..TapManifest::default() };
    let error =
        written(json!({"type": "csv"})).unwrap().resolve(Role::Tap(&manifest), &known(&[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bug);
}

#[test]
fn the_engine_takes_its_options_out_of_those_of_a_target() {
    let resolve = |options: Value| {
        let config = json!({"type": "sqlite", "connection": {"path": "p"}, "options": options});
        written(config).unwrap().resolve(Role::Target(&target()), &known(&[("P", "raw")]))
    };
    let resolved = resolve(json!({"write_mode": "upsert", "table": "${env:P}_{table}"})).unwrap();
    assert_eq!(resolved.config.options, json!({}));
    assert_eq!(resolved.target_options.write_mode, Some(WriteMode::Upsert));
    assert_eq!(resolved.target_options.table.unwrap().table_of("a.b").unwrap(), "raw_b");
    assert_eq!(resolve(json!({})).unwrap().target_options, TargetOptions::default());
    for (options, expected) in [
        (
            json!({"write_mode": "apend"}),
            "`options.write_mode` does not take `apend` [did you mean `append`?]",
        ),
        (json!({"write_mode": 1}), "`options.write_mode` must be text, found a number"),
        (json!({"table": "{tabel}"}), "no placeholder `{tabel}` [did you mean `table`?]"),
        (json!({"journal": 1}), "`options.journal` is not known here"),
    ] {
        let message = message(resolve(options));
        assert!(message.contains(expected), "{message}");
    }
    let schema = engine_target_options_schema();
    let docs = describe_options(&schema);
    assert_eq!(docs.iter().map(|doc| doc.name.as_str()).collect::<Vec<_>>(), ["write_mode", "table"]);
    assert_eq!(docs[0].choices, ["append", "upsert", "overwrite"]);
}

#[test]
fn options_are_described_with_types_defaults_and_choices() {
    let docs = describe_options(&options_schema());
    let shown: Vec<_> = docs.iter().map(|doc| (doc.name.as_str(), doc.takes.as_str())).collect();
    let expected = [
        ("folder", "text"),
        ("batch_rows", "a whole number"),
        ("header", "true or false"),
        ("quote", "text"),
        ("null_values", "a list of text"),
        ("token", "text"),
        ("users", "a list of an object"),
    ];
    assert_eq!(shown, expected);
    assert!(docs[0].is_required && !docs[1].is_required);
    assert_eq!(docs[0].doc, "Folder with the files.");
    assert_eq!(docs[1].default, Some(json!(65536)));
    assert_eq!(docs[3].choices, ["always", "never"]);
    assert!(docs[5].is_secret);
}

#[test]
fn references_are_replaced_anywhere_and_only_once() {
    let secrets = [("A", "one"), ("B", "${env:A}"), ("N", "7"), ("T", "false"), ("/run/pass", "two\r\n")];
    let options = json!({
        "folder": "${env:A}/${file:/run/pass}/$${env:A}/$5", "null_values": ["${env:B}"],
        "batch_rows": "${env:N}", "header": "${env:T}", "users": [{"name": "${env:A}"}]
    });
    let resolved =
        resolve(json!({"options": options, "batch_size": "${env:N}", "streams": ["${env:A}*"]}), &secrets);
    let resolved = resolved.unwrap();
    let expected = json!({"folder": "one/two/${env:A}/$5", "null_values": ["${env:A}"], "batch_rows": 7,
        "header": false, "users": [{"name": "one"}]});
    assert_eq!(resolved.config.options, expected);
    assert_eq!(resolved.config.batch_size.unwrap().get(), 7);
    assert_eq!(resolved.streams, ["one*"]);
    assert!(resolved.warnings.is_empty());
}

#[test]
fn a_reference_to_nothing_names_key_and_variable() {
    let auth = |password: &str| json!({"auth": {"type": "basic", "username": "u", "password": password}});
    for (password, expected) in [
        ("${env:PW}", "`auth.password` needs the environment variable `PW`, which is not set"),
        ("${file:/run/none}", "`auth.password`: no such file"),
        ("${env:PW", "`auth.password` has a `${` without `}`"),
        ("${cmd:ls}", "`auth.password` has a reference of an unknown kind `cmd`"),
        ("${PW}", "`auth.password` has a reference of an unknown kind"),
        ("${env:}", "unknown kind `env`"),
    ] {
        let message = message(resolve(auth(password), &[]));
        assert!(message.contains(expected), "{message}");
    }
    let warned = resolve(auth("${file:/run/open}"), &[("/run/open", "secret")]).unwrap();
    assert!(warned.warnings[0].contains("`auth.password`"), "{:?}", warned.warnings);
}

#[test]
fn the_system_gives_variables_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    std::fs::write(&path, "hunter2\n").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(SystemSecrets.file(path).unwrap().0, "hunter2\n");
    assert!(SystemSecrets.file("/no/such/file").unwrap_err().message().contains("`/no/such/file`"));
    assert_eq!(SystemSecrets.env("DSTREAMS_SURELY_NOT_SET").unwrap(), None);
    assert!(SystemSecrets.env("PATH").unwrap().is_some());
}

#[test]
fn identity_is_the_system_and_shows_no_secret() {
    let identity =
        |connection: Value| resolve(json!({"connection": connection, "name": "n"}), &[]).unwrap().identity();
    assert_eq!(
        identity(json!({"url": "https://u:secret@h:1/p?x=1&api_key=secret#f"})),
        r#"{"type":"csv","name":"n","connection":{"url":"https://h:1/p?x=1"}}"#
    );
    assert_eq!(
        identity(json!({"database": "d", "port": 1, "host": "h"})),
        r#"{"type":"csv","name":"n","connection":{"host":"h","port":1,"database":"d"}}"#
    );
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().canonicalize().unwrap().join("new.db");
    let given = folder.path().join(".").join("new.db");
    assert!(identity(json!({ "path": given })).contains(real.to_str().unwrap()));
    let relative = identity(json!({"path": "some/new.db"}));
    assert!(relative.contains(std::env::current_dir().unwrap().to_str().unwrap()), "{relative}");
}
