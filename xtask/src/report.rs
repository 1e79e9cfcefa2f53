//! What the test harness prints, read back.

use std::{fmt, ops::AddAssign};

/// What a case prints that passes because its engine promises less: the rest of the line says what.
const LIMIT: &str = "documented limit: ";

/// What else tests say of what they have done, for tables of their own.
const TOLD: [&str; 3] = ["searched: ", "found: ", "soak: "];

/// How one test ended. Of two ends of the same test the later variant tells more.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Outcome {
    Passed,
    /// Passed by showing just the limit that the engine documents.
    Limited,
    Ignored,
    Failed,
}

/// One test that was run or ignored, under its full path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

/// A line that a test has said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Said {
    /// The test's full path.
    pub(crate) by: String,
    /// The line, its prefix included.
    pub(crate) line: String,
}

/// The sums of the `test result:` lines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// One run of `cargo test`, over all binaries that it started.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    pub(crate) cases: Vec<Case>,
    pub(crate) said: Vec<Said>,
    /// Tests that were announced and of which nothing more was heard.
    pub(crate) lost: usize,
}

/// Where in the output of a binary a line stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Section {
    Outside,
    Tests,
    /// What passed tests printed.
    Successes,
    /// What failed tests printed, which may look like anything.
    Failures,
}

/// Tells which lines are for people: what passed tests printed is read, but not shown.
#[derive(Debug)]
pub(crate) struct Reader(Section);

impl Report {
    /// Reads the output of a run that ended with success or not.
    ///
    /// A binary that stops before its result counts as one failure, and so does a run that fails without naming one:
    /// nothing that went wrong adds up to zero.
    pub(crate) fn read(output: &str, succeeded: bool) -> Self {
        let mut report = Self::default();
        let mut section = Section::Outside;
        let mut crashed = 0;
        // Where the cases of the current binary begin: others may have cases of the same name.
        let mut first = 0;
        let mut speaker = None;
        for line in output.lines() {
            let before = section;
            section = section.at(line);
            if let Some(tally) = result(line) {
                report.tally += tally;
            } else if section == Section::Successes {
                speaker = said_by(line).or(speaker);
                if line.starts_with(LIMIT) {
                    report.limit(first, speaker);
                } else if TOLD.iter().any(|told| line.starts_with(told)) {
                    let by = speaker.unwrap_or_default().to_owned();
                    report.said.push(Said { by, line: line.to_owned() });
                }
            } else if section == Section::Tests {
                if let Some(tests) = announced(line) {
                    crashed += usize::from(before == Section::Tests);
                    report.lost += tests;
                    first = report.cases.len();
                } else if let Some(case) = case(line) {
                    report.lost = report.lost.saturating_sub(1);
                    report.cases.push(case);
                }
            }
        }
        crashed += usize::from(section != Section::Outside);
        report.tally.failed += crashed;
        if !succeeded {
            report.tally.failed = report.tally.failed.max(1);
        }
        report
    }

    fn limit(&mut self, first: usize, name: Option<&str>) {
        let mut cases = self.cases.iter_mut().skip(first);
        if let Some(case) = cases.find(|case| Some(case.name.as_str()) == name) {
            case.outcome = case.outcome.max(Outcome::Limited);
        }
    }
}

impl Section {
    /// Where a line stands that follows one that stands here.
    fn at(self, line: &str) -> Self {
        match self {
            _ if result(line).is_some() => Self::Outside,
            Self::Failures => self,
            _ if line == "failures:" => Self::Failures,
            Self::Successes => self,
            _ if line == "successes:" => Self::Successes,
            _ if announced(line).is_some() => Self::Tests,
            _ => self,
        }
    }
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Section::Outside)
    }

    /// Whether the next line is to be shown.
    pub(crate) fn shows(&mut self, line: &str) -> bool {
        self.0 = self.0.at(line);
        self.0 != Section::Successes
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(out, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// `running 3 tests`
fn announced(line: &str) -> Option<usize> {
    let count = line.strip_prefix("running ")?;
    count.strip_suffix(" tests").or_else(|| count.strip_suffix(" test"))?.parse().ok()
}

/// `test sqlite::create::never_overwrites ... ok`
fn case(line: &str) -> Option<Case> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let outcome = match outcome {
        "ok" => Outcome::Passed,
        "FAILED" => Outcome::Failed,
        // A reason may follow.
        _ if outcome.starts_with("ignored") => Outcome::Ignored,
        _ => return None,
    };
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    Some(Case { name: name.to_owned(), outcome })
}

/// `---- sqlite::create::never_overwrites stdout ----`
fn said_by(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn result(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |word| {
        counts.split("; ").find_map(|part| part.strip_suffix(word)?.trim_end().parse().ok()).unwrap_or(0)
    };
    Some(Tally { passed: count("passed"), failed: count("failed"), skipped: count("ignored") })
}

#[cfg(test)]
mod tests;
