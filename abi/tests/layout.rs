//! The Rust mirror has the sizes and offsets of the header, as a C compiler lays it out.

#![allow(clippy::unwrap_used)] // a test may

use dstream_abi::raw;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::process::Command;

/// Struct by struct: the C name, the Rust type, and every field as `c_name => rust_name`.
macro_rules! structs {
    ($($c:literal = $rust:ty { $($field:literal => $mirror:ident),* $(,)? })*) => {{
        let mut mirror = BTreeMap::new();
        let mut program = String::from("#include <stdio.h>\n#include \"dstream.h\"\nint main(void) {\n");
        $(
            mirror.insert($c.to_owned(), size_of::<$rust>());
            writeln!(program, "printf(\"{0} %zu\\n\", sizeof({0}));", $c).unwrap();
            $(
                mirror.insert(format!("{}.{}", $c, $field), offset_of!($rust, $mirror));
                writeln!(program, "printf(\"{0}.{1} %zu\\n\", offsetof({0}, {1}));", $c, $field).unwrap();
            )*
        )*
        program.push_str("return 0; }\n");
        (mirror, program)
    }};
}

#[test]
fn every_size_and_offset_of_the_mirror_is_that_of_the_header() {
    let (mirror, program) = structs! {
        "ds_str" = raw::Str { "ptr" => ptr, "len" => len }
        "ds_buf" = raw::Buf { "ptr" => ptr, "len" => len, "release" => release, "private_data" => private_data }
        "ds_kv" = raw::Kv { "key" => key, "value" => value }
        "ds_status" = raw::Status {}
        "ds_error_desc" = raw::ErrorDesc {
            "struct_size" => struct_size, "flags" => flags, "code" => code, "vendor_code" => vendor_code,
            "retry_after_ms" => retry_after_ms, "message" => message, "hint" => hint, "stream" => stream,
        }
        "ds_log_record" = raw::LogRecord {
            "struct_size" => struct_size, "level" => level, "target" => target, "message" => message,
            "spans" => spans, "fields" => fields, "n_fields" => n_fields,
        }
        "ds_host_v1" = raw::HostV1 {
            "struct_size" => struct_size, "abi_minor" => abi_minor, "error_set" => error_set,
            "log_level" => log_level, "log" => log, "is_cancelled" => is_cancelled,
        }
        "ds_message" = raw::RawMessage {
            "struct_size" => struct_size, "kind" => kind, "flags" => flags, "stream" => stream,
            "schema_version" => schema_version, "reserved" => reserved, "source_bytes" => source_bytes,
            "array" => array, "schema" => schema, "bookmark" => bookmark, "buffer_bytes" => buffer_bytes,
            "n_buffer_bytes" => n_buffer_bytes,
        }
        "ds_tap_v1" = raw::TapV1 {
            "struct_size" => struct_size, "reserved" => reserved, "open" => open, "check" => check,
            "discover" => discover, "plan" => plan, "open_reader" => open_reader, "next" => next,
            "close_reader" => close_reader, "close" => close,
        }
        "ds_target_v1" = raw::TargetV1 {
            "struct_size" => struct_size, "reserved" => reserved, "open" => open, "check" => check,
            "begin" => begin, "open_writer" => open_writer, "declare" => declare, "write" => write,
            "prepare" => prepare, "commit" => commit, "close_writer" => close_writer, "close" => close,
        }
        "ds_connector_v1" = raw::ConnectorV1 {
            "struct_size" => struct_size, "reserved" => reserved, "type" => type_name, "tap" => tap,
            "target" => target,
        }
        "ds_plugin_v1" = raw::PluginV1 {
            "struct_size" => struct_size, "abi_minor" => abi_minor, "abi_draft" => abi_draft,
            "reserved" => reserved, "manifest_json" => manifest_json, "connectors" => connectors,
            "n_connectors" => n_connectors, "shutdown" => shutdown, "get_extension" => get_extension,
        }
        "struct ArrowArray" = raw::RawArray {
            "length" => length, "null_count" => null_count, "offset" => offset, "n_buffers" => n_buffers,
            "n_children" => n_children, "buffers" => buffers, "children" => children,
            "dictionary" => dictionary, "release" => release, "private_data" => private_data,
        }
        "struct ArrowSchema" = raw::RawSchema {
            "format" => format, "name" => name, "metadata" => metadata, "flags" => flags,
            "n_children" => n_children, "children" => children, "dictionary" => dictionary,
            "release" => release, "private_data" => private_data,
        }
    };
    let header: BTreeMap<String, usize> = compile_and_run(&program, "c", &["-std=c11"])
        .lines()
        .map(|line| {
            let (name, number) = line.rsplit_once(' ').expect("name and number");
            (name.to_owned(), number.parse().expect("a number"))
        })
        .collect();
    assert_eq!(mirror, header);
}

#[test]
fn every_number_of_the_mirror_is_that_of_the_header() {
    use dstream_abi::ErrorKind as E;
    let mut numbers = vec![
        ("DS_ABI_MAJOR", i64::from(dstream_abi::ABI_MAJOR)),
        ("DS_ABI_MINOR", i64::from(dstream_abi::ABI_MINOR)),
        ("DS_ABI_DRAFT", i64::from(dstream_abi::ABI_DRAFT)),
        ("DS_OK", i64::from(raw::Status::OK.0)),
        ("DS_PENDING", i64::from(raw::Status::PENDING.0)),
        ("DS_END", i64::from(raw::Status::END.0)),
        ("DS_MSG_SCHEMA", i64::from(raw::msg::SCHEMA)),
        ("DS_MSG_BATCH", i64::from(raw::msg::BATCH)),
        ("DS_MSG_CHECKPOINT", i64::from(raw::msg::CHECKPOINT)),
        ("DS_MSG_STREAM_END", i64::from(raw::msg::STREAM_END)),
        ("DS_MSG_IGNORABLE", i64::from(raw::msg::IGNORABLE)),
        ("DS_ERR_HAS_ROW_DATA", i64::from(raw::ERR_ROW_DATA)),
        ("DS_MANIFEST_VERSION", i64::from(dstream_abi::manifest::VERSION)),
        ("DS_LOG_ERROR", dstream_abi::LogLevel::Error as i64),
        ("DS_LOG_WARN", dstream_abi::LogLevel::Warn as i64),
        ("DS_LOG_INFO", dstream_abi::LogLevel::Info as i64),
        ("DS_LOG_DEBUG", dstream_abi::LogLevel::Debug as i64),
        ("DS_LOG_TRACE", dstream_abi::LogLevel::Trace as i64),
    ];
    let kinds = [
        ("DS_E_BUG", E::Bug),
        ("DS_E_UNSUPPORTED", E::Unsupported),
        ("DS_E_CONFIG", E::Config),
        ("DS_E_NOT_FOUND", E::NotFound),
        ("DS_E_DENIED", E::Denied),
        ("DS_E_UNAVAILABLE", E::Unavailable),
        ("DS_E_CANCELLED", E::Cancelled),
        ("DS_E_DATA", E::Data),
        ("DS_E_SCHEMA", E::Schema),
        ("DS_E_RESOURCE", E::Resource),
        ("DS_E_FENCED", E::Fenced),
        ("DS_E_BOOKMARK_LOST", E::BookmarkLost),
    ];
    for (name, kind) in kinds {
        assert_eq!(E::from_code(kind.code()), kind);
        numbers.push((name, i64::from(kind.code())));
    }
    let mut program = String::from("#include <stdio.h>\n#include \"dstream.h\"\nint main(void) {\n");
    for (name, _) in &numbers {
        writeln!(program, "printf(\"{name} %lld\\n\", (long long)({name}));").unwrap();
    }
    program.push_str("return 0; }\n");
    let header = compile_and_run(&program, "c", &["-std=c11"]);
    let mirror: String = numbers.iter().map(|(name, number)| format!("{name} {number}\n")).collect();
    assert_eq!(header, mirror);
}

#[test]
fn the_header_compiles_without_a_warning_as_c11_and_cpp17() {
    let program = "#include \"dstream.h\"\nDS_MANIFEST(\"{}\");\nint main(void) { return (int)ds_manifest.version - 1; }\n";
    compile_and_run(program, "c", &["-std=c11", "-Wall", "-Wextra", "-Werror"]);
    compile_and_run(program, "c++", &["-std=c++17", "-Wall", "-Wextra", "-Werror", "-lstdc++"]);
}

fn compile_and_run(program: &str, language: &str, flags: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (source, binary) = (folder.path().join("layout.src"), folder.path().join("layout"));
    std::fs::write(&source, program).unwrap();
    let compiled = Command::new("cc")
        .args(["-x", language, "-I", concat!(env!("CARGO_MANIFEST_DIR"), "/include")])
        .arg(&source)
        .arg("-o")
        .arg(&binary)
        .args(flags)
        .output()
        .expect("`cc` is a C compiler on the path");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let run = Command::new(&binary).output().unwrap();
    assert!(run.status.success());
    String::from_utf8(run.stdout).unwrap()
}
