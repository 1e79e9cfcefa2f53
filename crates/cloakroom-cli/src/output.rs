//! Standard output: for a person at a terminal, for a program behind a pipe, or as JSON.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};

use serde::Serialize;

use crate::trouble::Trouble;

mod colour;
mod progress;
mod text;

pub(crate) use colour::Colour;
pub(crate) use progress::Progress;
pub(crate) use text::{fit, plain, plain_json, wrap};

/// What a terminal is taken for that does not tell.
const USUAL_WIDTH: usize = 80;

/// How results are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// For people: so many columns.
    Screen(usize),
    /// For programs that read lines: a record on each, tabs between its fields.
    Lines,
    /// For programs that read JSON.
    Json,
}

pub(crate) struct Output {
    pub(crate) form: Form,
    out: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let out = io::stdout();
        let form = if json {
            Form::Json
        } else if out.is_terminal() {
            let size = terminal_size::terminal_size_of(&out);
            Form::Screen(size.map_or(USUAL_WIDTH, |(width, _)| usize::from(width.0)).max(20))
        } else {
            Form::Lines
        };
        Self { form, out: BufWriter::new(out) }
    }

    /// One line, of text that shows nothing but itself.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Trouble> {
        writeln!(self.out, "{text}").map_err(|error| Trouble::writing(&error))
    }

    /// One record, for programs.
    pub(crate) fn record(&mut self, fields: &[&str]) -> Result<(), Trouble> {
        let fields: Vec<_> = fields.iter().map(|field| plain(field)).collect();
        self.line(&fields.join("\t"))
    }

    /// As it stands.
    pub(crate) fn text(&mut self, text: &[u8]) -> Result<(), Trouble> {
        self.out.write_all(text).map_err(|error| Trouble::writing(&error))
    }

    /// One value on one line.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Trouble> {
        let text = to_json(value)?;
        self.line(&text)
    }

    /// How many of what: `{"cleared": 3}`, `cleared⇥3`, or a sentence.
    pub(crate) fn count(&mut self, what: &'static str, count: u64, sentence: &str) -> Result<(), Trouble> {
        match self.form {
            Form::Json => self.json(&serde_json::Map::from_iter([(what.to_owned(), count.into())]))?,
            Form::Lines => self.record(&[what, &count.to_string()])?,
            Form::Screen(_) => self.line(sentence)?,
        }
        self.flush()
    }

    /// Lets go of what was written.
    pub(crate) fn flush(&mut self) -> Result<(), Trouble> {
        self.out.flush().map_err(|error| Trouble::writing(&error))
    }
}

/// In one line, and without characters that a terminal would obey.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String, Trouble> {
    let text = serde_json::to_string(value).map_err(|error| Trouble::Failed(format!("no JSON: {error}")))?;
    Ok(plain_json(&text))
}
