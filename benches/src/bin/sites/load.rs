//! One span of requests, as fast as they are answered.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::{Outcome, contender::Route, visitor::Visitor};

/// How many requests are under way at once.
pub(crate) const CONNECTIONS: u64 = 32;

/// What sends them.
pub(crate) const SCRIPT: &str = include_str!("load.lua");

/// How long wrk may take beyond the span: its own limit for an answer, and a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(15);

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    /// Answered ones, of whatever status.
    pub(crate) requests: u64,
    pub(crate) span: Duration,
    /// Answered by 400 or more.
    pub(crate) refused: u64,
    /// Not answered.
    pub(crate) broken: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        count(self.requests) / self.span.as_secs_f64()
    }
}

/// Asks a site for a route, by its visitors in turn.
///
/// # Errors
///
/// If wrk is not there, fails or does not end.
pub(crate) async fn load(
    script: &Path,
    site: &str,
    route: Route,
    visitors: &[Visitor],
    span: Duration,
) -> Outcome<Load> {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t1", "--timeout", "5s"])
        .arg(format!("-c{CONNECTIONS}"))
        .arg(format!("-d{}s", span.as_secs()));
    wrk.arg("-s").arg(script).arg(format!("http://{site}{}", route.path())).arg("--").arg(route.method());
    wrk.args(visitors.iter().map(Visitor::cookie)).stdin(Stdio::null()).stderr(Stdio::inherit());
    let ended = timeout(span + PATIENCE, wrk.kill_on_drop(true).output()).await;
    let ended = ended.map_err(|_| "wrk does not end")?.map_err(|error| format!("wrk: {error}"))?;
    let output = String::from_utf8_lossy(&ended.stdout);
    output.lines().find_map(parsed).ok_or_else(|| format!("wrk says nothing of its load: {output}").into())
}

/// The line that the script ends with.
fn parsed(line: &str) -> Option<Load> {
    let fields: Vec<u64> =
        line.strip_prefix("load ")?.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [requests, span, refused, broken, p50, p99] = fields[..] else { return None };
    let (p50_us, p99_us) = (count(p50), count(p99));
    Some(Load { requests, span: Duration::from_micros(span), refused, broken, p50_us, p99_us })
}

#[expect(clippy::cast_precision_loss, reason = "no bench runs for as long as that takes")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_last_line_is_the_load() {
        let load = parsed("load 3000 1500000 1 2 700 900").unwrap();
        assert_eq!((load.requests, load.refused, load.broken), (3_000, 1, 2));
        assert_eq!((load.per_second(), load.p50_us, load.p99_us), (2_000.0, 700.0, 900.0));
    }

    #[test]
    fn what_wrk_prints_itself_is_no_load() {
        for line in ["  1 threads and 32 connections", "load", "load 1 2", "load 1 2 3 4 5 x"] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
