//! How far a command is: on a terminal while it goes on, and in a sentence when it is stopped.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// What a command has done so far.
#[derive(Default)]
pub(crate) struct Progress {
    /// What becomes of sessions: "cleared", "copied".
    done: Option<&'static str>,
    count: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// The command changes something, and does not count it.
    pub(crate) fn begin(&mut self, done: &'static str) {
        self.done = Some(done);
    }

    /// The command changes something, and counts it. How much there is nobody knows, so the bar has no end; where
    /// standard error is no terminal there is none.
    pub(crate) fn begin_counting(&mut self, done: &'static str) {
        self.begin(done);
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {human_pos} {msg} {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message(done);
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = Some(bar);
    }

    /// So many by now.
    pub(crate) fn reach(&mut self, count: u64) {
        self.count = count;
        if let Some(bar) = &self.bar {
            bar.set_position(count);
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// For somebody who has stopped it.
    pub(crate) fn so_far(&self) -> String {
        match (self.done, self.count) {
            (None, _) => "nothing was changed".into(),
            (Some(done), 0) => format!("what was {done} stays so, and running it again goes on"),
            (Some(done), 1) => {
                format!("one session was {done}, which stays so, and running it again goes on")
            }
            (Some(done), count) => {
                format!("{count} sessions were {done}, which stays so, and running it again goes on")
            }
        }
    }
}
