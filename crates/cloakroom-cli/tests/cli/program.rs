//! The program itself, without the settings of whoever runs the tests.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// One way to call it.
pub(crate) struct Program {
    settings: Vec<(String, String)>,
}

/// What it answered.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        let owned = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { settings: owned.collect() }
    }

    /// A command that is ready to start, with nothing to read.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
        for (name, _) in std::env::vars_os() {
            let known = name.to_string_lossy();
            if ["SESSION_", "SECRET_KEY", "CLOAKROOM_", "DJANGO_", "NO_COLOR"]
                .iter()
                .any(|one| known.starts_with(one))
            {
                command.env_remove(&name);
            }
        }
        let settings = self.settings.iter().map(|(name, value)| (name, value));
        command.args(arguments).envs(settings).env("TERM", "xterm").stdin(Stdio::null());
        command
    }

    /// Runs it in a pipe.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments))
    }

    /// Runs it in a pipe, with something to read.
    pub(crate) fn read(&self, arguments: &[&str], input: &[u8]) -> Outcome {
        let mut command = self.command(arguments);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("it reads");
        // Where it refuses before it has read all, it does not read on.
        stdin.write_all(input).ok();
        drop(stdin);
        child.wait_with_output().expect("it ends").into()
    }
}

impl Outcome {
    pub(crate) fn of(mut command: Command) -> Self {
        command.output().expect("the program starts").into()
    }

    /// Of one whose output goes somewhere else.
    pub(crate) fn of_started(mut command: Command) -> Self {
        command.spawn().and_then(std::process::Child::wait_with_output).expect("the program runs").into()
    }

    /// It did its work and had nothing to complain about.
    pub(crate) fn done(out: impl Into<String>) -> Self {
        Self { code: Some(0), out: out.into(), err: String::new() }
    }

    /// It said why not, on one line.
    pub(crate) fn refused(code: i32, line: &str) -> Self {
        Self { code: Some(code), out: String::new(), err: format!("cloakroom: {line}\n") }
    }
}

impl From<std::process::Output> for Outcome {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}
