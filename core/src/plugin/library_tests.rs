use super::*;
use crate::plugin::fixtures::{self, manifest, plugin_in_c};
use dstream_abi::ErrorKind;

fn open(path: &Path) -> Result<Arc<Library>> {
    Library::open(path, Trust::Required)
}

#[test]
fn a_library_is_opened_once_under_whatever_name() {
    let folder = fixtures::folder();
    let path = folder.library("once.so", &plugin_in_c(&manifest("once")));
    let link = folder.path().join("link.so");
    std::fs::hard_link(&path, &link).expect("link");
    let library = open(&path).expect("opens");
    assert!(Arc::ptr_eq(&library, &open(&link).expect("opens")));
    assert_eq!(library.manifest().connectors[0].type_name, "once");
    assert!(Library::all().iter().any(|other| Arc::ptr_eq(other, &library)));
}

#[test]
fn two_threads_open_a_library_once() {
    let folder = fixtures::folder();
    let path = folder.library("threads.so", &plugin_in_c(&manifest("threads")));
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&path).expect("opens"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(opened.iter().all(|library| Arc::ptr_eq(library, &opened[0])));
}

#[test]
fn another_file_in_the_place_of_a_loaded_one_is_another_library() {
    let folder = fixtures::folder();
    let first = folder.library("swap.so", &plugin_in_c(&manifest("first")));
    let library = open(&first).expect("opens");
    let second = folder.library("second.so", &plugin_in_c(&manifest("second")));
    std::fs::rename(&second, &first).expect("takes its place");
    assert_eq!(open(&first).expect("opens").manifest().connectors[0].type_name, "second");
    assert_eq!(library.manifest().connectors[0].type_name, "first");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_loaded_is_the_file_that_was_checked() {
    let folder = fixtures::folder();
    let checked = folder.library("checked.so", &plugin_in_c(&manifest("checked")));
    let evil = folder.library("evil.so", &plugin_in_c(&manifest("evil")));
    let seen = Inspection::of(&checked, Trust::Required);
    std::fs::rename(&evil, &checked).expect("takes its place after the check");
    let file = seen.file.expect("opened");
    let plugin = enter(&name_for_loader(&file, false), "checked.so").expect("enters");
    assert_eq!(plugin.manifest_json(), manifest("checked"));
    // As `Library::open` does: the loader knows the library by the number of the file.
    std::mem::forget(file);
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_looks_beside_itself_is_loaded_by_its_own_name() {
    let folder = fixtures::folder();
    let path = folder.library("origin.so", &plugin_in_c(&manifest("origin")));
    assert!(!Inspection::of(&path, Trust::Required).needs_own_path);
    let source = folder.path().join("origin.so.c");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi/include");
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,-rpath,$ORIGIN/lib", "-I"])
        .arg(include)
        .arg("-o")
        .arg(&path)
        .arg(source)
        .status()
        .expect("a C compiler");
    assert!(status.success());
    let seen = Inspection::of(&path, Trust::Required);
    assert!(seen.needs_own_path);
    assert_eq!(name_for_loader(&seen.file.expect("opened"), true), path);
    open(&path).expect("opens");
}

#[cfg(unix)]
#[test]
fn an_untrusted_library_does_not_run() {
    let folder = fixtures::folder();
    let path = folder.library("open.so", &plugin_in_c(&manifest("open")));
    fixtures::set_mode(&path, 0o777);
    let error = open(&path).expect_err("untrusted");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.message().starts_with(&format!("plugin `{}`: ", path.display())), "{error}");
    Library::open(&path, Trust::AllowInsecure).expect("the user said so");
}

#[test]
fn a_missing_symbol_is_named() {
    let folder = fixtures::folder();
    let code = plugin_in_c(&manifest("undefined"));
    let code = format!("{code}\nint nobody_has_this(void);\nint use(void) {{ return nobody_has_this(); }}");
    let error = open(&folder.library("undefined.so", &code)).expect_err("undefined symbol");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.message().ends_with("the library needs the symbol `nobody_has_this`, and nothing here has it"),
        "{error}"
    );
}

#[test]
fn a_missing_library_is_named() {
    let folder = fixtures::folder();
    let path = folder.library("needy.so", &plugin_in_c(&manifest("needy")));
    let needed = folder.library("libneeded-by-nobody.so", "int needed(void) { return 1; }");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi/include");
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,--no-as-needed", "-lneeded-by-nobody", "-L"])
        .arg(folder.path())
        .arg("-I")
        .arg(include)
        .arg("-o")
        .arg(&path)
        .arg(folder.path().join("needy.so.c"))
        .status()
        .expect("a C compiler");
    assert!(status.success());
    std::fs::remove_file(needed).expect("removed");
    let error = open(&path).expect_err("a library is missing");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("needs the library `libneeded-by-nobody.so`"), "{error}");
}

#[test]
fn tables_that_are_short_or_not_there_end_in_an_error_that_names_them() {
    let folder = fixtures::folder();
    let good = "static const ds_tap_v1 tap = { .struct_size = sizeof tap };
         static const ds_target_v1 target = { .struct_size = sizeof target };
         static const ds_connector_v1 csv = {
           .struct_size = sizeof csv, .type = { \"csv\", 3 }, .tap = &tap, .target = &target };
         static const ds_connector_v1 *const all[2] = { &csv, &csv };
         static const ds_plugin_v1 plugin = {
           .struct_size = sizeof plugin, .abi_draft = DS_ABI_DRAFT,
           .manifest_json = { ds_manifest.json, sizeof ds_manifest.json - 1 },
           .connectors = all, .n_connectors = 1 };
         DS_EXPORT ds_status dstream_plugin_v1(const ds_host_v1 *host, const ds_plugin_v1 **out, ds_err *err) {
           (void)host; (void)err; *out = &plugin; return DS_OK;
         }";
    let both = serde_json::json!({ "connectors": [
        { "type": "csv", "tap": { "options": {} }, "target": { "options": {}, "write_modes": [] } }
    ] });
    let literal = serde_json::to_string(&fixtures::manifest_with(both)).expect("a string is JSON");
    let good = format!("DS_MANIFEST({literal});\n{good}");
    let built = |name: &str, from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        open(&folder.library(name, &good.replace(from, to)))
    };
    built("good.so", "n_connectors = 1", "n_connectors = 1").expect("nothing is wrong with it");
    let cases = [
        ("sizeof tap };", "sizeof tap - 8 };", "tap table"),
        ("sizeof target };", "4 };", "target table"),
        ("sizeof csv,", "0,", "connector table"),
        ("sizeof plugin,", "sizeof plugin - 1,", "root table"),
        ("*out = &plugin;", "*out = 0; (void)plugin;", "root table"),
        ("{ &csv, &csv }", "{ 0, &csv }", "connector table"),
        ("= DS_ABI_DRAFT", "= DS_ABI_DRAFT + 1", "draft"),
        ("n_connectors = 1", "n_connectors = 2", "`csv` twice"),
        ("n_connectors = 1", "n_connectors = 1u << 31", "2147483648 connectors"),
        ("&plugin; return DS_OK", "&plugin; return DS_E_RESOURCE", "status -10"),
        ("{ ds_manifest.json,", "{ 0,", "manifest"),
        (".tap = &tap", ".tap = sizeof tap ? 0 : &tap", "names the tap `csv`, its tables have none"),
        ("\\\"tap\\\":", "\\\"other\\\":", "names no tap `csv`, its tables have one"),
    ];
    for (number, (from, to, part)) in cases.into_iter().enumerate() {
        let error = built(&format!("case{number}.so"), from, to).expect_err(to);
        assert!(error.message().contains(part), "{to}: {error}");
        assert!(error.message().contains(&format!("case{number}.so")), "{to}: {error}");
    }
}

#[test]
fn a_library_without_the_entry_or_with_that_of_another_major_says_so() {
    let folder = fixtures::folder();
    let code = plugin_in_c(&manifest("entry"));
    let none = open(&folder.library("none.so", &code.replace("dstream_plugin_v1(", "something_else(")));
    let error = none.expect_err("no entry");
    assert!(error.message().ends_with("does not export `dstream_plugin_v1`"), "{error}");
    let newer = open(&folder.library("newer.so", &code.replace("dstream_plugin_v1(", "dstream_plugin_v2(")));
    let error = newer.expect_err("newer entry");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("`dstream_plugin_v2`"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_failed_does_not_answer_for_the_next_one() {
    let folder = fixtures::folder();
    let code = plugin_in_c(&manifest("next"));
    for round in 0..3 {
        let bad = folder.library(&format!("bad{round}.so"), &code.replace("dstream_plugin_v1(", "other("));
        let good = folder.library(&format!("good{round}.so"), &code);
        open(&bad).expect_err("no entry");
        open(&bad).expect_err("and it stays so");
        open(&good).expect("another file");
    }
}

#[test]
fn a_manifest_that_differs_from_the_file_is_refused() {
    let folder = fixtures::folder();
    let code = plugin_in_c(&manifest("liar")).replace(
        "plugin.manifest_json.ptr = ds_manifest.json;",
        "static char other[4096];
         for (unsigned i = 0; i < ds_manifest.length; i++) other[i] = ds_manifest.json[i];
         for (unsigned i = 0; i < ds_manifest.length; i++) if (other[i] == '0') { other[i] = '9'; break; }
         plugin.manifest_json.ptr = other;",
    );
    let error = open(&folder.library("liar.so", &code)).expect_err("another manifest");
    assert_eq!(error.kind(), ErrorKind::Bug);
    assert!(error.message().contains("another manifest than stands in its file"), "{error}");
}

#[test]
fn a_real_library_cut_at_every_256_bytes_ends_in_an_error_and_not_in_a_signal() {
    let folder = fixtures::folder();
    let path = folder.library("whole.so", &plugin_in_c(&manifest("whole")));
    let bytes = std::fs::read(&path).expect("readable");
    assert!(bytes.len() > 8192, "large enough to be cut in many places");
    for cut in (0..bytes.len()).step_by(256) {
        let file = folder.file("cut.so", &bytes[..cut]);
        let error = open(&file).expect_err("cut");
        assert_eq!(error.kind(), ErrorKind::Config, "cut at {cut}: {error}");
    }
    open(&folder.file("cut.so", &bytes)).expect("the whole of it opens");
}

#[test]
fn every_loader_s_words_become_a_name_and_a_hint() {
    for (text, sentence) in [
        ("/x/y.so: undefined symbol: SSL_new", "needs the symbol `SSL_new`"),
        ("/x/y.so: undefined symbol: SSL_new, version OPENSSL_3", "needs the symbol `SSL_new`"),
        ("Error relocating /x/y.so: SSL_new: symbol not found", "needs the symbol `SSL_new`"),
        (
            "dlopen(/x/y.dylib, 0x86): symbol not found in flat namespace '_SSL_new'",
            "needs the symbol `_SSL_new`",
        ),
        ("dlopen(/x): Symbol not found: _SSL_new\n  Referenced from: y", "needs the symbol `_SSL_new`"),
        (
            "libodbc.so.2: cannot open shared object file: No such file or directory",
            "needs the library `libodbc.so.2`",
        ),
        ("Error loading shared library libodbc.so.2: No such file (needed by /x/y.so)", "`libodbc.so.2`"),
        ("dlopen(/x, 0x6): Library not loaded: @rpath/libodbc.dylib\n  Referenced", "`@rpath/libodbc.dylib`"),
        ("/lib/libc.so.6: version `GLIBC_2.38' not found (required by /x/y.so)", "needs `GLIBC_2.38`"),
        ("something else", "the system cannot load the library: something else"),
    ] {
        let error = explain(text);
        assert!(error.message().contains(sentence), "{error}");
        assert!(error.hint_text().is_some());
    }
}
