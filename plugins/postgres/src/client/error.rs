//! What the server says → who must act.

use dstream_sdk::{Error, ErrorKind, tracing};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{ErrorFields, ErrorResponseBody, NoticeResponseBody};

use super::settings::Settings;

/// The parts of a message that are used.
#[derive(Default)]
struct Said {
    severity: String,
    code: String,
    message: String,
    detail: String,
    hint: String,
    table: String,
    column: String,
    /// Where in the server it was noticed; its words are translated, this is not.
    routine: String,
    /// For a COPY: which line and column, with the value.
    context: String,
}

fn read(mut fields: ErrorFields<'_>) -> Said {
    let mut said = Said::default();
    while let Ok(Some(field)) = fields.next() {
        let text = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            // The severity without translation, of servers from 9.6 on.
            b'V' => said.severity = text(),
            b'C' => said.code = text(),
            b'M' => said.message = text(),
            b'D' => said.detail = text(),
            b'H' => said.hint = text(),
            b't' => said.table = text(),
            b'c' => said.column = text(),
            b'R' => said.routine = text(),
            b'W' => said.context = text(),
            _ => {}
        }
    }
    said
}

/// The server's error as one of ours. The five letters of its code stay in the message: whoever looks further needs them.
pub(super) fn of_server(body: &ErrorResponseBody, settings: &Settings) -> Error {
    let said = read(body.fields());
    let kind = if said.routine == TOO_WIDE { ErrorKind::Data } else { kind_of(&said.code) };
    let mut message = format!("the server of {} says: {}", settings.place(), first_line(&said.message));
    // What stands above it tells of the value: a type that is read from a text says where in it.
    let at = said.context.lines().find(|line| line.starts_with("COPY"));
    let quotes_values = !said.detail.is_empty() || at.is_some();
    if !said.detail.is_empty() {
        message.push_str(&format!("; {}", first_line(&said.detail).trim_end_matches('.')));
    }
    if let Some(at) = at {
        message.push_str(&format!("; {at}"));
    }
    message.push_str(&format!(" (SQLSTATE {})", said.code));
    let mut error = Error::new(kind, message).vendor_code(number_of(&said.code));
    if quotes_values {
        error = error.with_row_data();
    }
    match hint_for(&said, settings) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Where the server notices that a row does not fit a page.
const TOO_WIDE: &str = "RelationGetBufferForTuple";
/// A lock that another session holds.
pub(crate) const LOCK_NOT_AVAILABLE: i32 = number(b"55P03");
/// What an ON CONFLICT says of two rows that are one to the index.
pub(crate) const SAME_ROW_TWICE: i32 = number(b"21000");
/// A row whose key another row has.
pub(crate) const UNIQUE_VIOLATION: i32 = number(b"23505");

/// SQLSTATE as a number: its five letters in base 36.
pub(crate) fn number_of(code: &str) -> i32 {
    i32::from_str_radix(code, 36).unwrap_or(0)
}

const fn number(code: &[u8; 5]) -> i32 {
    let (mut number, mut at) = (0, 0);
    while at < code.len() {
        let digit = if code[at] <= b'9' { code[at] - b'0' } else { code[at] - b'A' + 10 };
        number = number * 36 + digit as i32;
        at += 1;
    }
    number
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn kind_of(code: &str) -> ErrorKind {
    match code {
        "3D000" => ErrorKind::NotFound,
        "3F000" | "42P01" | "42703" => ErrorKind::Schema,
        "42501" => ErrorKind::Denied,
        "25006" => ErrorKind::Denied,
        // Told to stop, restarting, too many sessions, a lock that is held, chosen to break a deadlock: later it may work.
        "53300" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "40001" | "40P01" => {
            ErrorKind::Unavailable
        }
        "55000" => ErrorKind::Config,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "58" => ErrorKind::Unavailable,
            "28" => ErrorKind::Denied,
            "22" | "23" => ErrorKind::Data,
            "53" | "54" => ErrorKind::Resource,
            "0A" => ErrorKind::Unsupported,
            "42" | "2B" => ErrorKind::Schema,
            "XX" => ErrorKind::Data,
            _ => ErrorKind::Bug,
        },
    }
}

fn hint_for(said: &Said, settings: &Settings) -> Option<String> {
    let own = match said.code.as_str() {
        "28P01" | "28000" => {
            format!("check `username` and `password` of `auth` for the user `{}`", settings.user)
        }
        "3D000" => "check `connection.database`".to_owned(),
        "42501" => format!("an administrator has to grant it to the user `{}`", settings.user),
        "42P01" | "42703" => "run `dstreams discover` again and look at what changed".to_owned(),
        "55P03" => {
            "another session holds a lock: try later, or raise `lock_ms` of the option `timeouts`".to_owned()
        }
        "57014" => "raise `statement_ms` of the option `timeouts`".to_owned(),
        "53300" => "the server takes no more sessions: lower `--parallel`, or have it take more".to_owned(),
        "25006" => "the server is a standby or the session is read-only: name the primary server".to_owned(),
        "53100" => "make room on the server's disk".to_owned(),
        "22P05" if said.detail.contains("\\u0000") => {
            "`jsonb` keeps no NUL: make the column `json`, or take it out of the text before".to_owned()
        }
        "54000" if said.routine == TOO_WIDE => {
            "a row has to fit one page of the server: deselect columns, or have the tap give them in several streams"
                .to_owned()
        }
        _ if !said.hint.is_empty() => first_line(&said.hint).to_owned(),
        _ => return None,
    };
    Some(own)
}

/// What the server mentions by the way.
pub(super) fn log_notice(body: &NoticeResponseBody) {
    let said = read(body.fields());
    match said.severity.as_str() {
        "WARNING" => tracing::warn!(code = said.code, "the server says: {}", first_line(&said.message)),
        _ => tracing::debug!(code = said.code, "the server says: {}", first_line(&said.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_number_however_it_is_made() {
        assert_eq!(number_of("55P03"), LOCK_NOT_AVAILABLE);
        assert_eq!(number_of("21000"), SAME_ROW_TWICE);
        assert_eq!(number_of("23505"), UNIQUE_VIOLATION);
    }

    #[test]
    fn every_class_says_who_must_act() {
        for (code, kind) in [
            ("28P01", ErrorKind::Denied),
            ("3D000", ErrorKind::NotFound),
            ("42501", ErrorKind::Denied),
            ("23505", ErrorKind::Data),
            ("22P05", ErrorKind::Data),
            ("08006", ErrorKind::Unavailable),
            ("57P01", ErrorKind::Unavailable),
            ("53100", ErrorKind::Resource),
            ("0A000", ErrorKind::Unsupported),
            ("99999", ErrorKind::Bug),
        ] {
            assert_eq!(kind_of(code), kind, "{code}");
        }
    }
}
