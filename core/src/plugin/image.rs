//! What the headers of a library say: system, machine, the ranges of the file they claim, and where the manifest is.

use object::endian::{Endianness, LittleEndian as LE};
use object::read::elf::{Dyn as _, FileHeader, ProgramHeader as _, SectionHeader as _};
use object::read::macho::{FatArch, MachHeader, MachOFatFile, Section as _, Segment as _};
use object::read::pe::{ImageNtHeaders, ImageOptionalHeader};
use object::{FileKind, ReadRef, elf, macho, pe};

use dstream_abi::manifest::{ELF_SECTION, MACHO_SECTION, PE_SECTION};
use dstream_abi::{Error, Result};

/// A range of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// What stands there, for a sentence.
    pub(crate) what: String,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// A library as its headers describe it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    /// The system it is for, as a user writes it.
    pub(crate) system: &'static str,
    /// The machine it is for: that of [`std::env::consts::ARCH`], or a name that is none.
    pub(crate) machine: String,
    /// A shared library, not a program or an object file.
    pub(crate) is_library: bool,
    /// Every range that the headers point to.
    pub(crate) claims: Vec<Claim>,
    /// The sections with a manifest's name.
    pub(crate) manifests: Vec<Claim>,
    /// It looks for libraries beside itself (`$ORIGIN`), so it has to be loaded under its own name.
    pub(crate) needs_own_path: bool,
    /// Where the headers could not be followed any more.
    pub(crate) broken: Option<object::read::Error>,
}

impl Image {
    /// Reads the headers. What they claim can still lie outside of the file: see `whole`.
    ///
    /// # Errors
    /// `Config`: not a library of any known system.
    pub(crate) fn parse<'data, R: ReadRef<'data>>(data: R) -> Result<Image> {
        let kind = FileKind::parse(data).map_err(|_| {
            Error::config("the file is not a shared library of any known system")
                .hint("a plugin is one shared library: `.so`, `.dylib` or `.dll`")
        })?;
        let mut image = Image::default();
        let outcome = match kind {
            FileKind::Elf32 => image.read_elf::<elf::FileHeader32<Endianness>, R>(data),
            FileKind::Elf64 => image.read_elf::<elf::FileHeader64<Endianness>, R>(data),
            FileKind::MachO32 => image.read_macho::<macho::MachHeader32<Endianness>, R>(data, 0),
            FileKind::MachO64 => image.read_macho::<macho::MachHeader64<Endianness>, R>(data, 0),
            FileKind::MachOFat32 => image.read_fat::<macho::FatArch32, R>(data),
            FileKind::MachOFat64 => image.read_fat::<macho::FatArch64, R>(data),
            FileKind::Pe32 => image.read_pe::<pe::ImageNtHeaders32, R>(data),
            FileKind::Pe64 => image.read_pe::<pe::ImageNtHeaders64, R>(data),
            _ => {
                image.system = "no system";
                image.machine = "no machine".to_owned();
                Ok(())
            }
        };
        image.broken = outcome.err();
        Ok(image)
    }

    fn claim(&mut self, what: impl Into<String>, offset: u64, size: u64) -> Claim {
        let claim = Claim { what: what.into(), offset, size };
        if size > 0 {
            self.claims.push(claim.clone());
        }
        claim
    }

    fn read_elf<'data, H, R>(&mut self, data: R) -> object::read::Result<()>
    where
        H: FileHeader<Endian = Endianness>,
        R: ReadRef<'data>,
    {
        self.claim("header", 0, size_of::<H>() as u64);
        let header = H::parse(data)?;
        let endian = header.endian()?;
        self.system = match header.e_ident().os_abi {
            elf::ELFOSABI_NONE | elf::ELFOSABI_GNU => "Linux",
            elf::ELFOSABI_FREEBSD => "FreeBSD",
            elf::ELFOSABI_NETBSD => "NetBSD",
            elf::ELFOSABI_OPENBSD => "OpenBSD",
            elf::ELFOSABI_SOLARIS => "Solaris",
            _ => "another Unix",
        };
        self.machine = elf_machine(header.e_machine(endian), header.is_class_64(), header.is_little_endian());
        self.is_library = header.e_type(endian) == elf::ET_DYN;

        let entries = u64::from(header.e_phnum(endian)) * u64::from(header.e_phentsize(endian));
        self.claim("program headers", header.e_phoff(endian).into(), entries);
        let entries = u64::from(header.e_shnum(endian)) * u64::from(header.e_shentsize(endian));
        self.claim("section headers", header.e_shoff(endian).into(), entries);
        for (number, segment) in header.program_headers(endian, data)?.iter().enumerate() {
            let what = format!("segment {number}");
            self.claim(what, segment.p_offset(endian).into(), segment.p_filesz(endian).into());
        }
        let sections = header.sections(endian, data)?;
        for (index, section) in sections.enumerate() {
            let Some((offset, size)) = section.file_range(endian) else { continue };
            if section.sh_type(endian) == elf::SHT_NULL {
                continue;
            }
            let name = sections.section_name(endian, section).unwrap_or_default();
            let claim = self.claim(format!("section {}", index.0), offset, size);
            if name == ELF_SECTION.as_bytes() {
                self.manifests.push(claim);
            }
        }
        if let Some((entries, strings)) = sections.dynamic(endian, data)? {
            let strings = sections.strings(endian, data, strings)?;
            let own_path = entries
                .iter()
                .filter(|entry| [elf::DT_RPATH, elf::DT_RUNPATH].contains(&entry.tag(endian)))
                .filter_map(|entry| strings.get(entry.val(endian) as u32).ok())
                .any(|path| path.windows(6).any(|part| part == b"ORIGIN"));
            self.needs_own_path = own_path;
        }
        Ok(())
    }

    /// A file for several machines: that for this one counts, or else the first.
    fn read_fat<'data, A: FatArch, R: ReadRef<'data>>(&mut self, data: R) -> object::read::Result<()> {
        self.system = "macOS";
        self.machine = "no machine".to_owned();
        let slices = MachOFatFile::<A>::parse(data)?;
        for slice in slices.arches() {
            let (offset, size) = slice.file_range();
            self.claim(format!("part for {}", macho_machine(slice.cputype())), offset, size);
        }
        let host = |slice: &&A| macho_machine(slice.cputype()) == std::env::consts::ARCH;
        let Some(slice) = slices.arches().iter().find(host).or(slices.arches().first()) else {
            return Ok(());
        };
        let (offset, _) = slice.file_range();
        match FileKind::parse_at(data, offset)? {
            FileKind::MachO32 => self.read_macho::<macho::MachHeader32<Endianness>, R>(data, offset),
            _ => self.read_macho::<macho::MachHeader64<Endianness>, R>(data, offset),
        }
    }

    fn read_macho<'data, H, R>(&mut self, data: R, start: u64) -> object::read::Result<()>
    where
        H: MachHeader<Endian = Endianness>,
        R: ReadRef<'data>,
    {
        self.system = "macOS";
        self.claim("header", start, size_of::<H>() as u64);
        let header = H::parse(data, start)?;
        let endian = header.endian()?;
        self.machine = macho_machine(header.cputype(endian)).to_owned();
        self.is_library = [macho::MH_DYLIB, macho::MH_BUNDLE].contains(&header.filetype(endian));
        let commands_at = start.saturating_add(size_of::<H>() as u64);
        self.claim("load commands", commands_at, header.sizeofcmds(endian).into());

        let mut commands = header.load_commands(endian, data, start)?;
        while let Some(command) = commands.next()? {
            if let Some((segment, sections)) = H::Segment::from_command(command)? {
                let (offset, size) = segment.file_range(endian);
                let name = String::from_utf8_lossy(segment.name()).into_owned();
                self.claim(format!("segment {name}"), start.saturating_add(offset), size);
                for section in segment.sections(endian, sections)? {
                    if section.name() == MACHO_SECTION.as_bytes() && section.segment_name() == b"__DATA" {
                        let offset = start.saturating_add(section.offset(endian).into());
                        let size = section.size(endian).into();
                        let claim = self.claim(format!("section {MACHO_SECTION}"), offset, size);
                        self.manifests.push(claim);
                    }
                }
            } else if let Some(symbols) = command.symtab()? {
                let text = u64::from(symbols.stroff.get(endian));
                self.claim("symbol names", start.saturating_add(text), symbols.strsize.get(endian).into());
            }
        }
        Ok(())
    }

    fn read_pe<'data, H: ImageNtHeaders, R: ReadRef<'data>>(&mut self, data: R) -> object::read::Result<()> {
        self.system = "Windows";
        self.machine = "an unknown machine".to_owned();
        self.claim("header", 0, size_of::<pe::ImageDosHeader>() as u64);
        let mut offset = pe::ImageDosHeader::parse(data)?.nt_headers_offset().into();
        self.claim("header", offset, size_of::<H>() as u64);
        let (headers, _) = H::parse(data, &mut offset)?;
        let file = headers.file_header();
        self.machine = match file.machine.get(LE) {
            pe::IMAGE_FILE_MACHINE_AMD64 => "x86_64",
            pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64",
            pe::IMAGE_FILE_MACHINE_I386 => "x86",
            _ => "an unknown machine",
        }
        .to_owned();
        self.is_library = file.characteristics.get(LE).0 & pe::IMAGE_FILE_DLL.0 != 0;
        self.claim("headers", 0, headers.optional_header().size_of_headers().into());
        let table = u64::from(file.number_of_sections.get(LE)) * size_of::<pe::ImageSectionHeader>() as u64;
        self.claim("section headers", offset, table);
        for section in headers.sections(data, offset)?.iter() {
            let name = String::from_utf8_lossy(section.raw_name()).into_owned();
            let (offset, size) = (section.pointer_to_raw_data.get(LE), section.size_of_raw_data.get(LE));
            let claim = self.claim(format!("section {name}"), offset.into(), size.into());
            if name == PE_SECTION {
                // What stands behind the virtual size is there to fill a block of the file.
                let size = claim.size.min(section.virtual_size.get(LE).into());
                self.manifests.push(Claim { size, ..claim });
            }
        }
        Ok(())
    }
}

fn elf_machine(machine: elf::Machine, is_64: bool, is_little: bool) -> String {
    let name = match machine {
        elf::EM_X86_64 => "x86_64",
        elf::EM_AARCH64 => "aarch64",
        elf::EM_386 => "x86",
        elf::EM_ARM => "arm",
        elf::EM_RISCV if is_64 => "riscv64",
        elf::EM_PPC64 => "powerpc64",
        elf::EM_S390 if is_64 => "s390x",
        elf::EM_LOONGARCH if is_64 => "loongarch64",
        _ => return format!("an unknown machine (ELF number {})", machine.0),
    };
    let usually_64 = !["x86", "arm"].contains(&name);
    let usually_little = name != "s390x";
    // As std names it: `powerpc64` of either byte order.
    match (is_64 == usually_64, is_little == usually_little || name == "powerpc64") {
        (true, true) => name.to_owned(),
        (true, false) => format!("{name} of the other byte order"),
        (false, _) => format!("{name} with 32-bit pointers"),
    }
}

fn macho_machine(machine: macho::CpuType) -> &'static str {
    match machine {
        macho::CPU_TYPE_X86_64 => "x86_64",
        macho::CPU_TYPE_ARM64 => "aarch64",
        macho::CPU_TYPE_X86 => "x86",
        macho::CPU_TYPE_ARM => "arm",
        _ => "an unknown machine",
    }
}

/// The name of the system that this program runs on, as an image has it.
pub(crate) fn host_system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "macOS",
        "windows" => "Windows",
        "freebsd" => "FreeBSD",
        "netbsd" => "NetBSD",
        "openbsd" => "OpenBSD",
        _ => "Linux",
    }
}

/// The library is for this system and this machine.
///
/// # Errors
/// `Unsupported`: it is for another one, or no library at all.
pub(crate) fn check_platform(image: &Image) -> Result<()> {
    let (system, machine) = (host_system(), std::env::consts::ARCH);
    // NetBSD and OpenBSD often leave the mark out, and then look like Linux.
    let same_system = image.system == system || (image.system == "Linux" && system.ends_with("BSD"));
    if !same_system || image.machine != machine {
        return Err(Error::unsupported(format!(
            "the library is for {} on {}, this program needs {system} on {machine}",
            image.system, image.machine
        ))
        .hint(format!("install the plugin for {system} on {machine}")));
    }
    if !image.is_library {
        return Err(Error::unsupported("the file is a program or an object file, not a shared library")
            .hint("a plugin is one shared library: `.so`, `.dylib` or `.dll`"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
