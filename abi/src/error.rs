//! One error for the whole house.

use std::fmt;

/// The result of every call across the border.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who must act. The numbers are those of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A defect of the code that reports it; a caught panic is one.
    Bug = -1,
    /// Choose another way: this one is not offered.
    Unsupported = -2,
    /// The user: config, options, catalog.
    Config = -3,
    /// The user: there is no such file, table or stream.
    NotFound = -4,
    /// An administrator: credentials, permissions.
    Denied = -5,
    /// Wait and retry.
    Unavailable = -6,
    /// The run was told to stop.
    Cancelled = -7,
    /// Look at the record.
    Data = -8,
    /// Discover again.
    Schema = -9,
    /// Disk, memory or quota is used up.
    Resource = -10,
    /// A newer run owns the pipeline.
    Fenced = -11,
    /// The source no longer has what the bookmark points to: full refresh needed.
    BookmarkLost = -12,
}

impl ErrorKind {
    /// The kind behind a status of the header; an unknown error is `Bug`.
    pub fn from_code(code: i32) -> ErrorKind {
        match code {
            -2 => ErrorKind::Unsupported,
            -3 => ErrorKind::Config,
            -4 => ErrorKind::NotFound,
            -5 => ErrorKind::Denied,
            -6 => ErrorKind::Unavailable,
            -7 => ErrorKind::Cancelled,
            -8 => ErrorKind::Data,
            -9 => ErrorKind::Schema,
            -10 => ErrorKind::Resource,
            -11 => ErrorKind::Fenced,
            -12 => ErrorKind::BookmarkLost,
            _ => ErrorKind::Bug,
        }
    }

    /// The status of the header.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The name in reports and logs.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Bug => "bug",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Config => "config",
            ErrorKind::NotFound => "not_found",
            ErrorKind::Denied => "denied",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Cancelled => "cancelled",
            ErrorKind::Data => "data",
            ErrorKind::Schema => "schema",
            ErrorKind::Resource => "resource",
            ErrorKind::Fenced => "fenced",
            ErrorKind::BookmarkLost => "bookmark_lost",
        }
    }
}

/// What went wrong, where, and what to do next.
///
/// A message is one lower-case sentence without full stop: what was wanted, names in backticks, what was found.
///
/// ```
/// use dstream_abi::{Error, ErrorKind};
/// let error = Error::schema("column `total` is text, the catalog says decimal(12, 2)")
///     .stream("orders")
///     .hint("run `dstreams discover` again");
/// assert_eq!(error.kind(), ErrorKind::Schema);
/// assert_eq!(error.to_string(), "stream `orders`: column `total` is text, the catalog says decimal(12, 2)");
/// ```
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    stream: Option<String>,
    retry_after_ms: Option<u64>,
    vendor_code: i32,
    has_row_data: bool,
    context: Vec<String>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub fn $name(message: impl Into<String>) -> Error {
            Error::new(ErrorKind::$kind, message)
        }
    )*};
}

impl Error {
    /// An error of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            stream: None,
            retry_after_ms: None,
            vendor_code: 0,
            has_row_data: false,
            context: Vec::new(),
        }))
    }

    kinds! {
        /// A defect of the code itself.
        bug => Bug,
        /// This way is not offered.
        unsupported => Unsupported,
        /// The user's config, options or catalog.
        config => Config,
        /// No such file, table or stream.
        not_found => NotFound,
        /// Credentials or permissions.
        denied => Denied,
        /// Wait and retry.
        unavailable => Unavailable,
        /// The run was told to stop.
        cancelled => Cancelled,
        /// A record.
        data => Data,
        /// The shape of a stream.
        schema => Schema,
        /// Disk, memory or quota.
        resource => Resource,
        /// A newer run owns the pipeline.
        fenced => Fenced,
        /// The source no longer has what the bookmark points to.
        bookmark_lost => BookmarkLost,
    }

    /// Names the stream it is about.
    pub fn stream(mut self, stream: impl Into<String>) -> Error {
        self.0.stream = Some(stream.into());
        self
    }

    /// Says what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds what was being done, outermost last: it stands before the message, as in `reading a.csv: …`.
    pub fn context(mut self, doing: impl Into<String>) -> Error {
        self.0.context.push(doing.into());
        self
    }

    /// Asks for a retry after this many milliseconds.
    pub fn retry_after_ms(mut self, ms: u64) -> Error {
        self.0.retry_after_ms = Some(ms);
        self
    }

    /// Keeps the code of the system behind.
    pub fn vendor_code(mut self, code: i32) -> Error {
        self.0.vendor_code = code;
        self
    }

    /// Says that the message quotes values of a record.
    pub fn with_row_data(mut self) -> Error {
        self.0.has_row_data = true;
        self
    }

    /// Who must act.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The sentence, with what was being done before it, without the stream.
    pub fn message(&self) -> String {
        let mut text = String::new();
        for doing in self.0.context.iter().rev() {
            text.push_str(doing);
            text.push_str(": ");
        }
        text.push_str(&self.0.message);
        text
    }

    /// What to do next.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The stream it is about.
    pub fn stream_name(&self) -> Option<&str> {
        self.0.stream.as_deref()
    }

    /// When to try again, in milliseconds.
    pub fn retry_after(&self) -> Option<u64> {
        self.0.retry_after_ms
    }

    /// The code of the system behind; 0: none.
    pub fn vendor(&self) -> i32 {
        self.0.vendor_code
    }

    /// Whether the message quotes values of a record.
    pub fn has_row_data(&self) -> bool {
        self.0.has_row_data
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stream) = &self.0.stream {
            write!(f, "stream `{stream}`: ")?;
        }
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Error {
        Error::data(error.to_string())
    }
}
