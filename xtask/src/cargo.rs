//! Cargo as a child process.

use std::{
    env,
    io::{self, BufRead, BufReader, IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
};

use crate::error::{Error, Result};

/// One cargo command, not started yet.
#[derive(Debug)]
pub(crate) struct Cargo {
    command: Command,
    line: String,
}

/// What a command wrote to its standard output, and how it ended.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) output: String,
    pub(crate) succeeded: bool,
}

impl Cargo {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        // Cargo names itself here, so that its children use the same toolchain.
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        Self::of(command, format!("cargo {}", arguments.join(" ")))
    }

    /// A program that speaks to cargo itself, such as a tool that is no subcommand yet.
    pub(crate) fn tool(program: &Path, arguments: &[&str]) -> Self {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut command = Command::new(program);
        command.args(arguments);
        Self::of(command, format!("{name} {}", arguments.join(" ")))
    }

    /// A program as another toolchain than this one's finds it.
    pub(crate) fn on(toolchain: &str, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("rustup");
        command.args(["run", toolchain, program]).args(arguments);
        // Or a tool would start the cargo that has started us.
        command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        Self::of(command, format!("rustup run {toolchain} {program} {}", arguments.join(" ")))
    }

    fn of(mut command: Command, line: String) -> Self {
        // `cargo run` describes xtask to xtask; build scripts that watch these variables would run again.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        if !io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "never");
        }
        Self { command, line }
    }

    /// Whether the toolchain can do all that the checks need.
    ///
    /// # Errors
    ///
    /// `Components` if it lacks something.
    pub(crate) fn components() -> Result<()> {
        let there = ["fmt", "clippy"].iter().all(|component| Self::new(&[component, "--version"]).succeeds());
        if there { Ok(()) } else { Err(Error::Components) }
    }

    /// Runs in that folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Whether the command succeeds; what it prints is nobody's business.
    pub(crate) fn succeeds(mut self) -> bool {
        let status = self.command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    /// Runs the command in full view.
    ///
    /// # Errors
    ///
    /// `Step` if it fails, `Io` if it cannot be started.
    pub(crate) fn run(mut self) -> Result<()> {
        self.announce();
        let status = self.command.status().map_err(|source| self.broken(source))?;
        if status.success() { Ok(()) } else { Err(Error::Step(self.line)) }
    }

    /// Runs the command for its standard output alone.
    ///
    /// # Errors
    ///
    /// `Step` if it fails, `Io` if it cannot be started.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|source| self.broken(source))?;
        if !output.status.success() {
            return Err(Error::Step(self.line));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs the command and keeps its standard output, of which people see the lines that are to be shown.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be started or listened to; that it failed is part of the answer.
    pub(crate) fn echo(mut self, shows: impl FnMut(&str) -> bool) -> Result<Echo> {
        self.announce();
        // The output is read by a program, too.
        self.command.env("CARGO_TERM_COLOR", "never").stdout(Stdio::piped());
        self.echoed(shows).map_err(|source| self.broken(source))
    }

    fn echoed(&mut self, mut shows: impl FnMut(&str) -> bool) -> io::Result<Echo> {
        let mut child = self.command.spawn()?;
        let mut output = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let mut lines = BufReader::new(stdout);
            let mut seen = 0;
            while lines.read_until(b'\n', &mut output)? > 0 {
                let line = &output[seen..];
                if shows(String::from_utf8_lossy(line).trim_end()) {
                    io::stdout().write_all(line)?;
                }
                seen = output.len();
            }
        }
        let succeeded = child.wait()?.success();
        Ok(Echo { output: String::from_utf8_lossy(&output).into_owned(), succeeded })
    }

    fn announce(&self) {
        eprintln!("\n$ {}", self.line);
    }

    fn broken(&self, source: io::Error) -> Error {
        Error::Io(format!("`{}` could not be run to its end", self.line), source)
    }
}
