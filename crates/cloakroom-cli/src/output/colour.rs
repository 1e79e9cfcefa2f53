//! Colours, where there is a terminal that wants them.

use std::env;
use std::io::{self, IsTerminal as _};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Red,
    Yellow,
}

impl Colour {
    /// `text` in this colour, if standard output shows any.
    pub(crate) fn on_standard_output(self, text: &str) -> String {
        self.paint(text, io::stdout().is_terminal())
    }

    /// `text` in this colour, if standard error shows any.
    pub(crate) fn on_standard_error(self, text: &str) -> String {
        self.paint(text, io::stderr().is_terminal())
    }

    fn paint(self, text: &str, terminal: bool) -> String {
        // https://no-color.org
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if !terminal || unwanted || env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return text.to_owned();
        }
        let code = match self {
            Self::Red => 31,
            Self::Yellow => 33,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
