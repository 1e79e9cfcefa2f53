//! A site in a process of its own, until this is dropped.

use std::{env, fs, process::Stdio, time::Duration};

use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    Outcome,
    contender::{Contender, Program},
};

/// How long a site may take to open its engine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Linux counts processor time in hundredths of a second, for programs of any architecture.
const TICK: Duration = Duration::from_millis(10);

/// A process that serves.
#[derive(Debug)]
pub(crate) struct Served {
    /// Host and port.
    pub(crate) address: String,
    pub(crate) version: String,
    process: Child,
    _folder: TempDir,
}

/// What a site says of itself when it can be asked.
#[derive(Deserialize)]
struct Ready {
    address: String,
    version: String,
}

impl Served {
    /// Starts a contender. It ends with its standard input, so at the latest with this process.
    ///
    /// # Errors
    ///
    /// If it says nothing of its address, for long.
    pub(crate) async fn start(contender: &Contender) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = match contender.program() {
            Program::Here => Command::new(env::current_exe()?),
            Program::Peers => Command::new(env::var("PEERS")?),
        };
        command.args(["serve", contender.framework, contender.engine]).current_dir(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        timeout(PATIENCE, BufReader::new(stdout).read_line(&mut line))
            .await
            .map_err(|_| "it does not start")??;
        let Ready { address, version } = serde_json::from_str(&line).map_err(|_| "it does not start")?;
        Ok(Self { address, version, process, _folder: folder })
    }

    /// The processor time that it has taken so far, in user space and in the kernel.
    ///
    /// # Errors
    ///
    /// If it has ended, and where there is no `/proc`.
    pub(crate) fn processor_time(&self) -> Outcome<Duration> {
        let id = self.process.id().ok_or("the site has ended")?;
        ticks(&fs::read_to_string(format!("/proc/{id}/stat"))?)
            .map(|ticks| TICK * ticks)
            .ok_or_else(|| "/proc tells no processor time".into())
    }
}

/// The 14th and the 15th field. The second is the program's name in parentheses, which may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    next()?.checked_add(next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_whatever_a_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 3 0 5 6 7";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a) S 1"), None);
    }
}
