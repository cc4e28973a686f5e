//! Who may have changed a plugin's file: its code gets every right of the user who runs the program, so nobody else may
//! be able to put code there.

use std::path::Path;

use dstream_abi::Result;

use super::file::FileId;

/// What is asked of a file before its code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Trust {
    /// The file and every folder above it belong to root or to the user who runs the program, and nobody else may write
    /// there. The user's own group, of which nobody else is a member, is nobody else.
    #[default]
    Required,
    /// Nothing: the user said so.
    AllowInsecure,
}

/// Whether the program has more rights than the user who started it.
pub(crate) fn is_elevated() -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{getegid, geteuid, getgid, getuid};
        getuid() != geteuid() || getgid() != getegid()
    }
    #[cfg(not(unix))]
    false
}

/// Walks to `path` the way the system does, link by link, and looks at everything on the way. Says which file is there.
///
/// # Errors
/// `Denied`: somebody else may have changed the file; the hint says what to do.
#[cfg(unix)]
pub(crate) fn check_trust(path: &Path) -> Result<FileId> {
    walk::check(path, rustix::process::geteuid().as_raw())
}

/// Windows protects a user's folders by access lists of their own; there is no mode to look at.
#[cfg(not(unix))]
pub(crate) fn check_trust(path: &Path) -> Result<FileId> {
    let metadata = path.metadata().map_err(|error| dstream_abi::Error::config(error.to_string()))?;
    Ok(FileId::of(path, &metadata))
}

#[cfg(unix)]
mod walk {
    use std::ffi::OsString;
    use std::fs::Metadata;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Component, Path, PathBuf};

    use dstream_abi::{Error, Result};

    use super::super::file::FileId;
    use super::super::private_group;

    /// As many links as Linux follows.
    const MAX_LINKS: u32 = 40;

    pub(super) fn check(path: &Path, user: u32) -> Result<FileId> {
        let lost = |path: &Path, error: std::io::Error| {
            Error::denied(format!("nobody can say who may change `{}`: {error}", path.display()))
        };
        let path = std::path::absolute(path).map_err(|error| lost(path, error))?;
        let mut rest = Vec::new();
        push(&mut rest, &path);
        let mut at = PathBuf::from("/");
        let mut found = at.symlink_metadata().map_err(|error| lost(&at, error))?;
        let mut links = 0;
        check_node(&at, Node::of(&found, user), user)?;
        while let Some(step) = rest.pop() {
            if step == ".." {
                at.pop();
                continue;
            }
            let next = at.join(step);
            found = next.symlink_metadata().map_err(|error| lost(&next, error))?;
            check_node(&next, Node::of(&found, user), user)?;
            if !found.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Error::denied(format!(
                    "`{}` leads from link to link without end",
                    path.display()
                )));
            }
            let to = next.read_link().map_err(|error| lost(&next, error))?;
            if to.is_absolute() {
                at = PathBuf::from("/");
            }
            push(&mut rest, &to);
        }
        Ok(FileId::of(&at, &found))
    }

    fn push(rest: &mut Vec<OsString>, path: &Path) {
        let steps = path.components().filter_map(|component| match component {
            Component::Normal(step) => Some(step.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        });
        let at = rest.len();
        rest.extend(steps);
        rest[at..].reverse();
    }

    /// What counts of one folder, link or file.
    #[derive(Clone, Copy)]
    pub(super) struct Node {
        pub(super) owner: u32,
        pub(super) mode: u32,
        pub(super) is_folder: bool,
        pub(super) is_link: bool,
    }

    impl Node {
        fn of(metadata: &Metadata, user: u32) -> Node {
            let mode = metadata.mode() & 0o7777;
            // Where the umask is 002 everything belongs to a group that has no other member: that is nobody else.
            let is_alone = mode & 0o022 == 0o020 && private_group::is_private(metadata.gid(), user);
            Node {
                owner: metadata.uid(),
                mode: if is_alone { mode & !0o020 } else { mode },
                is_folder: metadata.is_dir(),
                is_link: metadata.is_symlink(),
            }
        }
    }

    pub(super) fn check_node(path: &Path, node: Node, user: u32) -> Result<()> {
        let shown = path.display();
        if node.owner != 0 && node.owner != user {
            return Err(Error::denied(format!(
                "`{shown}` belongs to user {}, not to root or to the user who runs this program",
                node.owner
            ))
            .hint(format!("look at who put it there, then run `chown root {}`", quoted(path))));
        }
        // In a folder with the sticky bit others can add files, but not take the place of one that is not theirs.
        let sticky_folder = node.is_folder && node.mode & 0o1000 != 0;
        if node.is_link || sticky_folder || node.mode & 0o022 == 0 {
            return Ok(());
        }
        let who = if node.mode & 0o002 != 0 { "every user" } else { "its whole group" };
        Err(Error::denied(format!("`{shown}` can be changed by {who} (mode {:04o})", node.mode))
            .hint(format!("look at what is in it, then run `chmod go-w {}`", quoted(path))))
    }

    fn quoted(path: &Path) -> String {
        let path = path.display().to_string();
        let plain = |c: char| c.is_alphanumeric() || "/._-+,:@".contains(c);
        if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::walk::{Node, check_node};
    use super::*;
    use dstream_abi::ErrorKind;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    const FILE: Node = Node { owner: 1000, mode: 0o755, is_folder: false, is_link: false };

    fn judged(node: Node) -> Result<()> {
        check_node(Path::new("/p/x.so"), node, 1000)
    }

    #[test]
    fn only_root_and_the_user_are_trusted_owners() {
        judged(FILE).expect("the user's own");
        judged(Node { owner: 0, ..FILE }).expect("root's");
        let error = judged(Node { owner: 1001, ..FILE }).expect_err("somebody else's");
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.hint_text().expect("hint").contains("chown root /p/x.so"));
        judged(Node { owner: 1001, is_link: true, ..FILE }).expect_err("somebody else's link");
    }

    #[test]
    fn nobody_else_may_write_but_in_a_sticky_folder() {
        let folder = Node { is_folder: true, ..FILE };
        for (mode, trusted) in
            [(0o755, true), (0o775, false), (0o757, false), (0o1777, true), (0o2775, false)]
        {
            assert_eq!(judged(Node { mode, ..folder }).is_ok(), trusted, "folder {mode:o}");
        }
        for (mode, trusted) in [(0o644, true), (0o664, false), (0o646, false), (0o1666, false)] {
            assert_eq!(judged(Node { mode, ..FILE }).is_ok(), trusted, "file {mode:o}");
        }
        judged(Node { mode: 0o777, is_link: true, ..FILE }).expect("the mode of a link means nothing");
    }

    #[test]
    fn a_path_with_a_space_is_quoted_in_the_hint() {
        let node = Node { mode: 0o777, ..FILE };
        let error = check_node(Path::new("/a b/it's.so"), node, 1000).expect_err("writable");
        assert_eq!(
            error.hint_text(),
            Some(r"look at what is in it, then run `chmod go-w '/a b/it'\''s.so'`")
        );
    }

    #[test]
    fn every_folder_and_every_link_on_the_way_counts() {
        let home = tempfile::tempdir().expect("temp folder");
        let home = home.path().canonicalize().expect("path");
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
        let (open, closed) = (home.join("open"), home.join("closed"));
        for folder in [&open, &closed] {
            fs::create_dir(folder).expect("folder");
            set(folder, 0o755);
        }
        let file = closed.join("x.so");
        fs::write(&file, "x").expect("file");
        set(&file, 0o644);
        symlink(&file, open.join("link.so")).expect("link");
        symlink("../open/link.so", closed.join("far.so")).expect("link");

        let straight = check_trust(&file).expect("trusted");
        assert_eq!(check_trust(&closed.join("far.so")).expect("trusted through two links"), straight);

        set(&open, 0o777);
        check_trust(&file).expect("does not pass through the open folder");
        let error = check_trust(&closed.join("far.so")).expect_err("passes through the open folder");
        assert!(error.message().contains("open` can be changed by every user (mode 0777)"), "{error}");
        check_trust(&closed.join("../open/../closed/x.so")).expect_err("passes through the open folder");
    }

    #[test]
    fn links_in_a_circle_end() {
        let home = tempfile::tempdir().expect("temp folder");
        let at = home.path().join("a.so");
        symlink(&at, &at).expect("link");
        assert!(check_trust(&at).expect_err("circle").message().contains("from link to link"));
    }
}
