//! Django in a process of its own.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/judge.py");

/// Does what a line says with Django's own session store and middleware, and answers a line. It ends when it is dropped.
#[derive(Debug)]
pub struct Judge {
    _process: Child,
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
}

impl Judge {
    /// Django, as the Python at this path has it, with these settings.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn start(python: &Path, settings: &Value) -> Self {
        let mut command = Command::new(python);
        command.arg(PROGRAM).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Python starts");
        let stdin = process.stdin.take().expect("it is a pipe");
        let stdout = process.stdout.take().expect("it is a pipe");
        let judge = Self { _process: process, pipes: Mutex::new((stdin, BufReader::new(stdout).lines())) };
        judge.told(settings).await;
        judge
    }

    /// What Django answers.
    ///
    /// # Panics
    ///
    /// If it raises an exception, or has ended.
    pub async fn ask(&self, question: Value) -> Value {
        let answer = self.told(&question).await;
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }

    /// What Django answers, an exception included.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub async fn told(&self, question: &Value) -> Value {
        let mut pipes = self.pipes.lock().await;
        let (stdin, stdout) = &mut *pipes;
        stdin.write_all(format!("{question}\n").as_bytes()).await.expect("Django listens");
        let line = stdout.next_line().await.expect("Django answers").expect("Django has not ended");
        serde_json::from_str(&line).expect("it answers JSON")
    }
}
