//! Why a command stopped, in one line that says what to do.

use std::{error, fmt, io, process::ExitCode};

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A failing test is none of these: it is counted, and the other tests go on.
#[derive(Debug)]
pub(crate) enum Error {
    /// Started with words that no command knows.
    Usage(String),
    /// The toolchain lacks rustfmt or clippy.
    Components,
    /// This cargo command failed and has itself printed why.
    Step(String),
    /// This many faults, each already printed.
    Floors(usize),
    /// This many tests that pages name are nowhere, each already printed.
    Proofs(usize),
    /// This many faults of the book, each already printed.
    Book(usize),
    /// This many faults of what is to be published, each already printed.
    Release(usize),
    /// This toolchain is missing.
    Toolchain(String),
    /// `cargo metadata` answered something that is not its documented format.
    Metadata,
    /// A server did not start, or what it needs is missing.
    Servers(cloakroom_servers::Error),
    /// The fuzzers' driver is missing.
    Fuzzing,
    /// The operating system refused what the text names.
    Io(String, io::Error),
}

impl Error {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if matches!(self, Self::Usage(_)) { 2 } else { 1 })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(out, "{what}; use one of the commands below"),
            Self::Components => {
                out.write_str("rustfmt or clippy is missing: run `rustup component add rustfmt clippy`")
            }
            Self::Step(line) => {
                write!(out, "`{line}` failed: mend what it printed above, nothing after it was run")
            }
            Self::Floors(faults) | Self::Book(faults) => {
                write!(out, "mend what is printed above: {faults} in all")
            }
            Self::Proofs(faults) => {
                write!(out, "mend what is printed above: {faults} tests that docs name are nowhere")
            }
            Self::Release(faults) => {
                write!(out, "{faults} faults, printed above: nothing is published with one")
            }
            Self::Toolchain(name) => {
                write!(out, "the toolchain {name} is missing: run `rustup toolchain install {name}`")
            }
            Self::Metadata => {
                out.write_str("`cargo metadata` is not understood: use the Rust version of Cargo.toml")
            }
            Self::Fuzzing => out.write_str("cargo-fuzz is missing: run `cargo install cargo-fuzz --locked`"),
            Self::Servers(source) => write!(out, "no servers: {source}"),
            Self::Io(doing, source) => write!(out, "{doing}: {source}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Servers(source) => Some(source),
            _ => None,
        }
    }
}

impl From<cloakroom_servers::Error> for Error {
    fn from(source: cloakroom_servers::Error) -> Self {
        Self::Servers(source)
    }
}
