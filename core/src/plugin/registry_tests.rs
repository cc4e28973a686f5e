use super::*;
use crate::plugin::fixtures::{self, Folder, HOST};
use crate::plugin::search::Place;
use dstream_abi::ErrorKind;
use serde_json::json;

fn scan(folders: &[&Path]) -> Registry {
    let places = folders.iter().map(|folder| Place { folder: folder.to_path_buf(), source: Source::Flag });
    let search = SearchPath { places: places.collect(), ignored: Vec::new() };
    Registry::scan(&search, Trust::Required)
}

fn plugin(folder: &Folder, file: &str, type_name: &str) -> PathBuf {
    folder.file(file, &fixtures::elf(HOST, &fixtures::manifest(type_name)))
}

#[test]
fn a_type_is_found_by_its_role() {
    let folder = fixtures::folder();
    let path = plugin(&folder, "csv.so", "csv");
    let registry = scan(&[&folder.path()]);
    assert_eq!(registry.find("csv", Role::Tap).expect("found").path, path);
    let error = registry.find("csv", Role::Target).expect_err("is a tap");
    assert_eq!(error.hint_text(), Some("`csv` is a tap, not a target"));
}

#[test]
fn a_type_that_is_not_there_lists_every_place_and_the_nearest_name() {
    let folder = fixtures::folder();
    plugin(&folder, "postgres.so", "postgres");
    let missing = folder.path().join("nowhere");
    let registry = scan(&[&folder.path(), &missing]);
    let error = registry.find("postgers", Role::Tap).expect_err("a slip of the pen");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.message(),
        format!(
            "no plugin offers the tap `postgers`; searched `{}`, `{}` (not there)",
            folder.path().display(),
            missing.display()
        )
    );
    assert!(error.hint_text().expect("hint").starts_with("did you mean `postgres`?"));
    let far = registry.find("kafka", Role::Tap).expect_err("nothing like it");
    assert!(far.hint_text().expect("hint").contains("--plugin-dir"));
    let swapped = registry.find("psotgres", Role::Tap).expect_err("two letters are swapped");
    assert!(swapped.hint_text().expect("hint").starts_with("did you mean `postgres`?"));
    let capital = registry.find("Postgres", Role::Tap).expect_err("types are in small letters");
    assert!(capital.hint_text().expect("hint").starts_with("did you mean `postgres`?"));
}

#[test]
fn a_type_in_two_files_is_an_error_that_names_both() {
    let (one, two) = (fixtures::folder(), fixtures::folder());
    let (first, second) = (plugin(&one, "a.so", "csv"), plugin(&two, "b.so", "CSV"));
    for folders in [[one.path(), two.path()], [two.path(), one.path()]] {
        let registry = scan(&folders.each_ref().map(PathBuf::as_path));
        let error = registry.find("csv", Role::Tap).expect_err("two files");
        assert_eq!(error.kind(), ErrorKind::Config);
        for path in [&first, &second] {
            assert!(error.message().contains(&path.display().to_string()), "{error}");
        }
        assert!(error.message().contains("(as `CSV`)"), "{error}");
    }
}

#[test]
fn a_tap_and_a_target_of_one_name_may_live_in_two_files() {
    let folder = fixtures::folder();
    let tap = plugin(&folder, "a.so", "csv");
    let connectors =
        json!({ "connectors": [{ "type": "csv", "target": { "options": {}, "write_modes": [] } }] });
    let target = folder.file("b.so", &fixtures::elf(HOST, &fixtures::manifest_with(connectors)));
    let registry = scan(&[&folder.path()]);
    assert_eq!(registry.find("csv", Role::Tap).expect("tap").path, tap);
    assert_eq!(registry.find("csv", Role::Target).expect("target").path, target);
}

#[cfg(unix)]
#[test]
fn one_file_under_several_names_is_one_plugin() {
    let folder = fixtures::folder();
    let path = plugin(&folder, "real/csv.so", "csv");
    let links = folder.file("links/readme.txt", b"");
    let links = links.parent().expect("folder");
    std::os::unix::fs::symlink(&path, links.join("again.so")).expect("link");
    std::fs::hard_link(&path, links.join("hard.so")).expect("link");
    std::os::unix::fs::symlink(folder.path().join("real"), folder.path().join("twin")).expect("link");
    let registry = scan(&[links, &folder.path().join("real"), &folder.path().join("twin")]);
    assert_eq!(registry.found().len(), 1, "{:?}", registry.found());
    registry.find("csv", Role::Tap).expect("found once");
    assert_eq!(registry.places()[0].state, PlaceState::Searched(2));
}

#[cfg(unix)]
#[test]
fn an_untrusted_file_is_listed_with_the_reason_and_never_found() {
    let folder = fixtures::folder();
    let path = plugin(&folder, "csv.so", "csv");
    fixtures::set_mode(&path, 0o666);
    let registry = scan(&[&folder.path()]);
    let [found] = registry.found() else { panic!("{:?}", registry.found()) };
    assert!(matches!(found.status, Status::Untrusted(_)), "{found:?}");
    assert_eq!(found.manifest.as_ref().expect("readable").connectors[0].type_name, "csv");
    let error = registry.find("csv", Role::Tap).expect_err("untrusted");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().contains("can be changed by every user (mode 0666)"), "{error}");
    assert!(error.hint_text().expect("hint").contains("chmod go-w "), "{error:?}");

    // With a trusted file beside it there is nothing to decide.
    let trusted = plugin(&folder, "mine.so", "csv");
    assert_eq!(scan(&[&folder.path()]).find("csv", Role::Tap).expect("trusted").path, trusted);

    let search = SearchPath {
        places: vec![Place { folder: folder.path(), source: Source::Flag }],
        ignored: Vec::new(),
    };
    let all = Registry::scan(&search, Trust::AllowInsecure);
    assert!(all.found().iter().all(|found| found.problem().is_none()));
}

#[test]
fn what_is_no_plugin_is_listed_with_its_own_reason() {
    let folder = fixtures::folder();
    let other_abi = fixtures::manifest_with(json!({ "abi": { "major": 2, "minor": 0 } }));
    folder.file("a-script.so", b"#!/bin/sh\necho hello world, this is a script\n");
    folder.file("b-empty.so", b"");
    folder.file("c-other-abi.so", &fixtures::elf(HOST, &other_abi));
    folder.file("d-windows.dll", &fixtures::dll(&fixtures::manifest("jsonl")));
    folder.file("e-macos.dylib", &fixtures::fat(&fixtures::manifest("jsonl")));
    folder.file("f-plain.so", &fixtures::elf_of_sections(HOST, &[]));
    folder.file("g-folder.so/inside", b"");
    let sparse = folder.file("h-sparse.so", b"");
    std::fs::File::options()
        .write(true)
        .open(sparse)
        .and_then(|file| file.set_len(4 << 30))
        .expect("4 GB of nothing");
    folder.file("readme.md", b"not looked at");
    let registry = scan(&[&folder.path()]);
    let listed: Vec<_> = registry
        .found()
        .iter()
        .map(|found| {
            assert!(matches!(found.status, Status::Refused(_)), "{found:?}");
            let file = found.path.file_name().expect("name").to_string_lossy().into_owned();
            (file, found.problem().expect("refused").message())
        })
        .collect();
    let expected = [
        ("a-script.so", "the file is not a shared library of any known system"),
        ("b-empty.so", "the file is empty"),
        ("c-other-abi.so", "the plugin speaks ABI 2"),
        ("d-windows.dll", "the library is for Windows on x86_64"),
        ("e-macos.dylib", "the library is for macOS on"),
        ("f-plain.so", "the file is not a DStream plugin"),
        ("g-folder.so", "a folder is no plugin"),
        ("h-sparse.so", "the file is not a shared library of any known system"),
    ];
    assert_eq!(listed.len(), expected.len(), "{listed:?}");
    for ((file, message), (expected_file, start)) in listed.iter().zip(expected) {
        assert_eq!(file, expected_file);
        assert!(message.starts_with(start), "{file}: {message}");
    }
    // The type is known from the manifest, so the reason is given where the type is asked for.
    let error = registry.find("csv", Role::Tap).expect_err("other ABI");
    assert!(error.message().ends_with("this program speaks ABI 1"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_listed_and_not_waited_for() {
    let folder = fixtures::folder();
    let pipe = folder.path().join("pipe.so");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .expect("pipe");
    let registry = scan(&[&folder.path()]);
    assert_eq!(
        registry.found()[0].problem().expect("refused").message(),
        "a pipe, socket or device is no plugin"
    );
}

#[test]
fn listing_runs_no_code_of_a_library() {
    let folder = fixtures::folder();
    let proof = folder.path().join("constructor-ran");
    let constructor = format!(
        "#include <stdio.h>
         __attribute__((constructor)) static void run(void) {{
           FILE *file = fopen({:?}, \"w\"); if (file) fclose(file);
         }}",
        proof.display().to_string()
    );
    let code = format!("{constructor}\n{}", fixtures::plugin_in_c(&fixtures::manifest("csv")));
    let path = folder.library("csv.so", &code);
    let registry = scan(&[&folder.path()]);
    registry.find("csv", Role::Tap).expect("found");
    crate::plugin::verify_static(&path, Trust::Required);
    assert!(!proof.exists(), "a constructor ran while plugins were listed");

    // And it does run when the library is opened: the proof proves something.
    registry.open("csv", Role::Tap).expect("opens");
    assert!(proof.exists());
}
