//! Whether a group is one user alone. Most systems give every user such a group, and some a umask that lets it write.

use std::fs;

/// Whether nobody but `user` is in the group, as far as the system's own files tell. Accounts that are kept elsewhere
/// (a directory server) are not seen there, so a group that is not in the files is not private.
pub(super) fn is_private(group: u32, user: u32) -> bool {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    is_private_in(&read("/etc/passwd"), &read("/etc/group"), group, user)
}

/// The user's own group has the user's name (so it was made for that user), no other member, and is nobody else's first
/// group. Formats: passwd(5), group(5).
fn is_private_in(passwd: &str, groups: &str, group: u32, user: u32) -> bool {
    let accounts: Vec<(&str, u32, u32)> = passwd.lines().filter_map(account).collect();
    let Some((name, ..)) = accounts.iter().find(|(_, id, first)| *id == user && *first == group) else {
        return false;
    };
    let others_first = accounts.iter().any(|(_, id, first)| *first == group && *id != user);
    let mut entries = groups.lines().filter_map(members).filter(|(_, id, _)| *id == group);
    let Some((group_name, _, members)) = entries.next() else { return false };
    let others = members.split(',').any(|member| !member.is_empty() && member != *name);
    group_name == *name && !others && !others_first && entries.next().is_none()
}

/// Name, user and first group.
fn account(line: &str) -> Option<(&str, u32, u32)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    Some((name, fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Name, number, and the members that have it beside their first group.
fn members(line: &str) -> Option<(&str, u32, &str)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    Some((name, fields.nth(1)?.parse().ok()?, fields.next().unwrap_or_default().trim()))
}

#[cfg(test)]
mod tests {
    use super::is_private_in;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:100::/home/bob:/bin/sh\n";

    #[test]
    fn the_users_own_group_is_private_and_no_other() {
        let groups = "root:x:0:\nann:x:1000:\nusers:x:100:\nwheel:x:10:ann\n";
        for (group, user, private) in [
            (1000, 1000, true),
            (0, 0, true),
            (100, 1001, false),
            (10, 1000, false),
            (1000, 1001, false),
            (7, 7, false),
        ] {
            assert_eq!(is_private_in(PASSWD, groups, group, user), private, "group {group}, user {user}");
        }
    }

    #[test]
    fn a_group_with_another_member_is_not_private() {
        assert!(is_private_in(PASSWD, "ann:x:1000:ann\n", 1000, 1000));
        assert!(!is_private_in(PASSWD, "ann:x:1000:ann,bob\n", 1000, 1000));
        let second = format!("{PASSWD}eve:x:1002:1000::/:/bin/sh\n");
        assert!(!is_private_in(&second, "ann:x:1000:\n", 1000, 1000), "her first group");
    }

    #[test]
    fn what_cannot_be_read_is_not_private() {
        assert!(!is_private_in("", "", 1000, 1000));
        assert!(!is_private_in(PASSWD, "", 1000, 1000));
        assert!(!is_private_in(PASSWD, "ann:x:1000:\nann:x:1000:bob\n", 1000, 1000));
        assert!(!is_private_in("ann:x:", "ann", 1000, 1000));
    }
}
