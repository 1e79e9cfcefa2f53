//! Why a command did not do its work: an exit code, and one line that says what to do.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use cloakroom::ErrorKind;

use crate::output::{Colour, plain};

#[derive(Debug)]
pub(crate) enum Trouble {
    /// The work failed.
    Failed(String),
    /// Wrong usage or settings.
    Usage(String),
    /// A signal came; its number.
    Stopped(u8, String),
    /// What the command printed says why.
    Told,
    /// Nobody reads on: they have what they wanted.
    Unread,
}

impl Trouble {
    /// Standard output has refused something.
    pub(crate) fn writing(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Unread;
        }
        Self::Failed(format!("standard output: {error}"))
    }

    /// The same, of what it is about.
    pub(crate) fn of(self, subject: &str) -> Self {
        match self {
            Self::Failed(line) => Self::Failed(format!("{subject}: {line}")),
            Self::Usage(line) => Self::Usage(format!("{subject}: {line}")),
            other => other,
        }
    }

    /// Says it on standard error, and what to exit with.
    pub(crate) fn report(&self) -> ExitCode {
        let (code, line) = match self {
            Self::Unread => return ExitCode::SUCCESS,
            Self::Told => return ExitCode::from(1),
            Self::Failed(line) => (1, line),
            Self::Usage(line) => (2, line),
            // As a shell tells of a signal.
            Self::Stopped(signal, line) => (128 + signal, line),
        };
        let name = Colour::Red.on_standard_error("cloakroom:");
        writeln!(io::stderr(), "{name} {}", plain(line)).ok();
        ExitCode::from(code)
    }
}

impl From<cloakroom::core::Error> for Trouble {
    fn from(error: cloakroom::core::Error) -> Self {
        let line = one_line(&error);
        match error.kind() {
            ErrorKind::Misconfigured | ErrorKind::Unsupported => Self::Usage(line),
            // Every command is harmless to repeat.
            ErrorKind::Unavailable | ErrorKind::Unknown => Self::Failed(format!("{line}; try again")),
            _ => Self::Failed(line),
        }
    }
}

/// An error and its sources, on one line. A source that the sentence before it has quoted is not repeated.
fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
