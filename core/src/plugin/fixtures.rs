//! Small libraries for the tests: of every format, written byte by byte, and real ones built with the C compiler.

use object::write::{Object, StandardSegment, pe};
use object::{Architecture, BinaryFormat, Endianness, SectionKind};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The machine that runs the test.
pub(crate) const HOST: Architecture =
    if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 };

/// A manifest with one tap.
pub(crate) fn manifest(type_name: &str) -> String {
    manifest_with(serde_json::json!({
        "connectors": [{ "type": type_name, "tap": { "options": {} } }]
    }))
}

/// A manifest with some keys set to other values.
pub(crate) fn manifest_with(keys: serde_json::Value) -> String {
    let mut manifest = serde_json::json!({
        "id": "org.example.test", "version": "1.0.0",
        "abi": { "major": dstream_abi::ABI_MAJOR, "minor": 0, "draft": dstream_abi::ABI_DRAFT },
        "connectors": [{ "type": "csv", "tap": { "options": {} } }]
    });
    for (key, value) in keys.as_object().expect("keys") {
        manifest[key] = value.clone();
    }
    manifest.to_string()
}

/// The bytes of a manifest's section.
pub(crate) fn section(json: &str) -> Vec<u8> {
    let mut section = dstream_abi::manifest::MAGIC.to_vec();
    section.extend(dstream_abi::manifest::VERSION.to_le_bytes());
    section.extend((json.len() as u32).to_le_bytes());
    section.extend(json.as_bytes());
    section
}

/// A library of every format, with its name.
pub(crate) fn libraries(json: &str) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("elf", elf(Architecture::X86_64, json)),
        ("elf-arm", elf(Architecture::Aarch64, json)),
        ("macho", macho(Architecture::Aarch64, json)),
        ("macho-x86", macho(Architecture::X86_64, json)),
        ("fat", fat(json)),
        ("pe", dll(json)),
    ]
}

/// An ELF library.
pub(crate) fn elf(machine: Architecture, json: &str) -> Vec<u8> {
    elf_of_sections(machine, &[section(json)])
}

/// An ELF library with these manifests.
pub(crate) fn elf_of_sections(machine: Architecture, sections: &[Vec<u8>]) -> Vec<u8> {
    let endian = if machine == Architecture::S390x { Endianness::Big } else { Endianness::Little };
    let mut object = Object::new(BinaryFormat::Elf, machine, endian);
    for bytes in sections {
        let id =
            object.add_section(vec![], dstream_abi::manifest::ELF_SECTION.into(), SectionKind::ReadOnlyData);
        object.append_section_data(id, bytes, 8);
    }
    let mut bytes = object.write().expect("writes");
    // e_type: what the writer makes is an object file, 1; a shared library is 3.
    let at = if endian == Endianness::Big { 17 } else { 16 };
    bytes[at] = 3;
    bytes
}

/// A Mach-O library.
pub(crate) fn macho(machine: Architecture, json: &str) -> Vec<u8> {
    let mut object = Object::new(BinaryFormat::MachO, machine, Endianness::Little);
    let segment = object.segment_name(StandardSegment::Data).to_vec();
    let id = object.add_section(segment, dstream_abi::manifest::MACHO_SECTION.into(), SectionKind::Data);
    object.append_section_data(id, &section(json), 8);
    let mut bytes = object.write().expect("writes");
    // filetype: an object file is 1, a dylib is 6.
    bytes[12] = 6;
    bytes
}

/// A Mach-O file for two machines.
pub(crate) fn fat(json: &str) -> Vec<u8> {
    let parts = [
        (0x0100_000c_u32, macho(Architecture::Aarch64, json)),
        (0x0100_0007, macho(Architecture::X86_64, json)),
    ];
    let mut bytes = [0xcafe_babe_u32, 2].map(u32::to_be_bytes).concat();
    let mut offset = 4096_u32;
    for (machine, part) in &parts {
        let fields = [*machine, 0, offset, part.len() as u32, 12];
        bytes.extend(fields.map(u32::to_be_bytes).concat());
        offset += (part.len() as u32).next_multiple_of(4096);
    }
    for (_, part) in parts {
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
        bytes.extend(part);
    }
    bytes
}

/// A DLL.
pub(crate) fn dll(json: &str) -> Vec<u8> {
    let section = section(json);
    let mut bytes = Vec::new();
    let mut writer = pe::Writer::new(true, 4096, 512, &mut bytes);
    writer.reserve_dos_header();
    writer.reserve_nt_headers(16);
    writer.reserve_section_headers(1);
    let mut name = [0; 8];
    name.copy_from_slice(dstream_abi::manifest::PE_SECTION.as_bytes());
    let length = section.len() as u32;
    let range = writer.reserve_section(name, object::pe::IMAGE_SCN_MEM_READ, length, length);
    writer.write_empty_dos_header().expect("writes");
    writer.write_nt_headers(pe::NtHeaders {
        machine: object::pe::IMAGE_FILE_MACHINE_AMD64,
        time_date_stamp: 0,
        characteristics: object::pe::IMAGE_FILE_DLL,
        major_linker_version: 0,
        minor_linker_version: 0,
        address_of_entry_point: 0,
        image_base: 0x1_8000_0000,
        major_operating_system_version: 0,
        minor_operating_system_version: 0,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: 0,
        minor_subsystem_version: 0,
        subsystem: object::pe::IMAGE_SUBSYSTEM_WINDOWS_CUI,
        dll_characteristics: Default::default(),
        size_of_stack_reserve: 0,
        size_of_stack_commit: 0,
        size_of_heap_reserve: 0,
        size_of_heap_commit: 0,
    });
    writer.write_section_headers();
    writer.write_section(range.file_offset, &section);
    bytes
}

/// A folder of one test, trusted, gone at the end.
pub(crate) struct Folder(tempfile::TempDir);

pub(crate) fn folder() -> Folder {
    Folder(tempfile::tempdir().expect("temp folder"))
}

impl Folder {
    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().canonicalize().expect("path")
    }

    /// Writes a file that only its owner can change, whatever the mask of the process is.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("folder");
            set_mode(parent, 0o755);
        }
        std::fs::write(&path, bytes).expect("file");
        set_mode(&path, 0o644);
        path
    }

    /// Builds a library from C with the header of the contract before it.
    pub(crate) fn library(&self, name: &str, c: &str) -> PathBuf {
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../abi/include");
        let source = self.file(&format!("{name}.c"), format!("#include \"dstream.h\"\n{c}").as_bytes());
        let library = self.path().join(name);
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-I"]).arg(include);
        let status = cc.arg("-o").arg(&library).arg(source).status().expect("a C compiler");
        assert!(status.success(), "{name} does not compile");
        set_mode(&library, 0o755);
        library
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }
    let _ = (path, mode);
}

/// C: a manifest in its section, and an entry that hands it out with the tables that it names. None has a function.
pub(crate) fn plugin_in_c(json: &str) -> String {
    let literal = serde_json::to_string(json).expect("a string is JSON");
    let manifest: dstream_abi::Manifest = serde_json::from_str(json).expect("a manifest");
    let mut names = Vec::new();
    let mut tables = String::new();
    for (at, connector) in manifest.connectors.iter().enumerate() {
        let role = |is_there: bool, role: &str| if is_there { format!("&{role}") } else { "0".to_owned() };
        let (tap, target) =
            (role(connector.tap.is_some(), "tap"), role(connector.target.is_some(), "target"));
        let (name, length) = (&connector.type_name, connector.type_name.len());
        tables.push_str(&format!(
            "static const ds_connector_v1 connector{at} = {{ .struct_size = sizeof connector{at},
               .type = {{ \"{name}\", {length} }}, .tap = {tap}, .target = {target} }};\n"
        ));
        names.push(format!("&connector{at}"));
    }
    format!(
        "DS_MANIFEST({literal});
         __attribute__((unused)) static const ds_tap_v1 tap = {{ .struct_size = sizeof tap }};
         __attribute__((unused)) static const ds_target_v1 target = {{ .struct_size = sizeof target }};
         {tables}
         static const ds_connector_v1 *const all[] = {{ {} }};
         static ds_plugin_v1 plugin;
         DS_EXPORT ds_status dstream_plugin_v1(const ds_host_v1 *host, const ds_plugin_v1 **out, ds_err *err) {{
           (void)host; (void)err;
           plugin.struct_size = sizeof plugin;
           plugin.abi_draft = DS_ABI_DRAFT;
           plugin.manifest_json.ptr = ds_manifest.json;
           plugin.manifest_json.len = ds_manifest.length;
           plugin.connectors = all;
           plugin.n_connectors = {};
           *out = &plugin;
           return DS_OK;
         }}",
        names.join(", "),
        names.len()
    )
}
