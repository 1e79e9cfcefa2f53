//! Why a server did not start, in words that say what to do.

use std::{error, fmt, io};

/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be done with a server.
#[non_exhaustive]
#[derive(Debug)]
pub enum Error {
    /// These programs were not found; the text is the command that installs them.
    Missing(Vec<&'static str>, String),
    /// A server did not do what it was asked to in time. The text names it, and quotes the end of its log.
    Server(String),
    /// The operating system refused what the text names.
    Io(String, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(programs, command) => {
                write!(out, "not found: {}; run `{command}` as root", programs.join(", "))
            }
            Self::Server(what) => out.write_str(what),
            Self::Io(doing, source) => write!(out, "{doing}: {source}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Missing(..) | Self::Server(_) => None,
        }
    }
}

/// Names what was being done when the operating system refused it.
pub(crate) fn during(doing: &str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io(doing.to_owned(), source)
}
