//! The files that libpq reads: services and passwords, in the same places and in the same form.

use dstream_sdk::{Error, Result, Secret};
use std::path::{Path, PathBuf};

use super::settings::Words;

/// The settings of a service, from `PGSERVICEFILE`, `~/.pg_service.conf` or `PGSYSCONFDIR/pg_service.conf`.
///
/// # Errors
/// `Config`: no file has it, or it is not in the form of such a file.
pub(super) fn read_service(name: &str) -> Result<Words> {
    let home = home_file(".pg_service.conf", "pg_service.conf");
    let named = std::env::var_os("PGSERVICEFILE").map(PathBuf::from);
    let system = std::env::var_os("PGSYSCONFDIR").map(|folder| PathBuf::from(folder).join("pg_service.conf"));
    let files: Vec<PathBuf> = [named.or(home), system].into_iter().flatten().collect();
    for file in &files {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        if let Some(words) = service_of(&text, name) {
            return words.map_err(|line| {
                Error::config(format!("line {line} of `{}` has no `=`", file.display()))
                    .hint("write `word=value`")
            });
        }
    }
    let looked: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    Err(Error::config(format!("the service `{name}` is not in {}", looked.join(" or in ")))
        .hint("correct `service`, or name the file in `PGSERVICEFILE`"))
}

/// The section `[name]`; `Err` is the number of a line that is no setting.
fn service_of(text: &str, name: &str) -> Option<Result<Words, usize>> {
    let mut found: Option<Words> = None;
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            if found.is_some() {
                break;
            }
            found = (section == name).then(Words::new);
        } else if let Some(words) = &mut found
            && !line.is_empty()
            && !line.starts_with('#')
        {
            let Some((word, value)) = line.split_once('=') else { return Some(Err(number + 1)) };
            words.insert(word.trim().to_owned(), value.trim().to_owned());
        }
    }
    found.map(Ok)
}

/// The password for this place, from the file named by the connection, by `PGPASSFILE`, or `~/.pgpass`.
///
/// # Errors
/// `Denied`: others can read the file. libpq takes no password from such a file without a word; here it is said.
pub(super) fn find_password(
    host: &str,
    port: u16,
    database: &str,
    user: &str,
    named: Option<String>,
) -> Result<Option<Secret<String>>> {
    let from_env = std::env::var_os("PGPASSFILE").map(PathBuf::from);
    let file = named.map(PathBuf::from).or(from_env).or_else(|| home_file(".pgpass", "pgpass.conf"));
    let Some(file) = file else { return Ok(None) };
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
    let host = if host.starts_with('/') { "localhost" } else { host };
    let wanted = [host, &port.to_string(), database, user].map(str::to_owned);
    let Some(password) = password_of(&text, &wanted) else { return Ok(None) };
    check_private(&file)?;
    Ok(Some(Secret::new(password)))
}

/// Lines of `host:port:database:user:password`, where `*` is any and a backslash escapes.
fn password_of(text: &str, wanted: &[String; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields_of(line);
        let (password, place) = fields.split_last().filter(|(_, place)| place.len() == 4)?;
        let fits = place.iter().zip(wanted).all(|((field, is_star), wanted)| *is_star || field == wanted);
        fits.then(|| password.0.clone())
    })
}

/// The five fields, and whether each is a bare star. What follows the fourth colon is the password, colons included.
fn fields_of(line: &str) -> Vec<(String, bool)> {
    let mut fields = vec![(String::new(), false)];
    let mut chars = line.chars();
    let mut is_escaped = false;
    while let Some(next) = chars.next() {
        let n_fields = fields.len();
        let Some((field, is_star)) = fields.last_mut() else { break };
        match next {
            '\\' => {
                is_escaped = true;
                field.extend(chars.next());
            }
            ':' if n_fields < 5 => {
                *is_star = field == "*" && !is_escaped;
                is_escaped = false;
                fields.push((String::new(), false));
            }
            other => field.push(other),
        }
    }
    fields
}

#[cfg(unix)]
fn check_private(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            Err(Error::denied(format!("the password file `{}` can be read by others", file.display()))
                .hint("take their rights away: `chmod 600`"))
        }
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn check_private(_: &Path) -> Result<()> {
    Ok(())
}

/// Where libpq looks for a file of the user's.
fn home_file(unix: &str, windows: &str) -> Option<PathBuf> {
    if cfg!(windows) {
        return std::env::var_os("APPDATA")
            .map(|folder| PathBuf::from(folder).join("postgresql").join(windows));
    }
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(unix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_its_section_and_nothing_else() {
        let text = "# c\n[other]\nhost=o\n[shop]\nhost = db\n# x\ndbname=shop\n\n[last]\nport=1\n";
        let words = service_of(text, "shop").unwrap().unwrap();
        assert_eq!(words, Words::from([("host".into(), "db".into()), ("dbname".into(), "shop".into())]));
        assert!(service_of(text, "none").is_none());
        assert_eq!(service_of("[a]\nx\n", "a").unwrap(), Err(2));
    }

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let wanted = ["db", "5432", "shop", "me"].map(str::to_owned);
        let password = |text: &str| password_of(text, &wanted);
        assert_eq!(
            password("db:1:*:*:a\n#db:5432:shop:me:b\n*:5432:shop:me:c:d\ndb:*:*:*:e"),
            Some("c:d".into())
        );
        assert_eq!(password(r"db:5432:shop:me:a\:b\\c"), Some(r"a:b\c".into()));
        assert_eq!(password(r"\*:5432:shop:me:a"), None);
        assert_eq!(password("db:5432:shop"), None);
    }
}
