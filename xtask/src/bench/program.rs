//! A program of contenders that is kept running, and asked line by line.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::{plan::Cell, sample::Sample};
use crate::{
    error::{Error, Result},
    servers::Servers,
};

/// It ends when its standard input does, with this value.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Engine and contender.
    pub(crate) entries: Vec<(String, String)>,
    /// An engine that does not take part, and why.
    pub(crate) left_out: Vec<(String, String)>,
}

/// What became of a question.
#[derive(Debug)]
pub(crate) enum Answer {
    Sampled(Sample),
    /// There is nothing to measure.
    Nothing,
    Failed(String),
}

impl Program {
    /// Starts it, and hears who takes part.
    ///
    /// # Errors
    ///
    /// `Io` if it does not start or ends.
    pub(crate) fn start(path: &Path, servers: &Servers) -> Result<Self> {
        let broken = |source| Error::Io(format!("{} could not be started", path.display()), source);
        let mut command = Command::new(path);
        command.envs(servers.variables()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(broken)?;
        let piped = || broken(io::ErrorKind::BrokenPipe.into());
        let questions = child.stdin.take().ok_or_else(piped)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(piped)?);
        let path = path.to_owned();
        let (entries, left_out) = (Vec::new(), Vec::new());
        let mut program = Self { path, child, questions: Some(questions), answers, entries, left_out };
        loop {
            let line = program.line()?;
            let text = |name: &str| line[name].as_str().map(str::to_owned);
            match (text("enters"), text("left_out")) {
                (Some(engine), _) => program.entries.push((engine, text("contender").unwrap_or_default())),
                (_, Some(engine)) => program.left_out.push((engine, text("why").unwrap_or_default())),
                _ if line["ready"] == true => return Ok(program),
                _ => return Err(program.gone()),
            }
        }
    }

    /// Lets a contender work for a while.
    ///
    /// # Errors
    ///
    /// `Io` if the program has ended. What goes wrong with the contender is an answer.
    pub(crate) fn ask(
        &mut self,
        engine: &str,
        contender: &str,
        cell: &Cell,
        milliseconds: u64,
    ) -> Result<Answer> {
        let Cell { table, size, tasks, live } = cell;
        self.say(&json!({
            "engine": engine, "contender": contender, "table": table, "size": size, "tasks": tasks, "live": live,
            "milliseconds": milliseconds,
        }))?;
        let answer = self.line()?;
        if let Some(why) = answer["failed"].as_str() {
            return Ok(Answer::Failed(why.to_owned()));
        }
        Ok(Sample::read(&answer.to_string()).map_or(Answer::Nothing, Answer::Sampled))
    }

    /// Has the stores of an engine closed.
    ///
    /// # Errors
    ///
    /// `Io` if the program has ended.
    pub(crate) fn close(&mut self, engine: &str, size: u64) -> Result<()> {
        self.say(&json!({"engine": engine, "size": size, "live": 0}))?;
        self.line().map(drop)
    }

    fn say(&mut self, line: &Value) -> Result<()> {
        let said = self.questions.as_mut().map(|questions| writeln!(questions, "{line}"));
        match said {
            Some(Ok(())) => Ok(()),
            _ => Err(self.gone()),
        }
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(read) if read > 0 => serde_json::from_str(&line).map_err(|_| self.gone()),
            _ => Err(self.gone()),
        }
    }

    fn gone(&self) -> Error {
        let what = format!("{} does not speak as agreed, or has ended", self.path.display());
        Error::Io(what, io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}
