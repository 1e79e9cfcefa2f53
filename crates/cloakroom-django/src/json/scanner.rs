//! A JSON text token by token, as strict and as lax as Python is. It does not recurse: depth costs a byte per bracket.

use std::ops::Range;

use cloakroom_core::{Error, ErrorKind, Result};

use super::text::Text;
use super::{DEEPEST, LONGEST_INTEGER};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Bracket {
    Array,
    Object,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'t> {
    Open(Bracket),
    Close(Bracket),
    /// With the colon behind it.
    Name(Text<'t>),
    Text(Text<'t>),
    Integer(&'t str),
    /// `NaN` and the infinities as well.
    Float(&'t str),
    /// `null`, `true` and `false`.
    Word(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum Expected {
    FirstName,
    Name,
    FirstValue,
    Value,
    /// A comma, a closing bracket or, outside of all, the end.
    More,
}

pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
    open: Vec<Bracket>,
    /// Brackets that are open around the text.
    around: usize,
    expected: Expected,
    /// Of the errors: what is read is corrupt, what is to be written invalid.
    kind: ErrorKind,
}

impl<'t> Scanner<'t> {
    /// Reads a text that stands inside of so many brackets.
    pub(crate) fn over(text: &'t str, around: usize, kind: ErrorKind) -> Self {
        Self { text, at: 0, open: Vec::new(), around, expected: Expected::Value, kind }
    }

    /// The next token; none behind the one value that a text is.
    pub(crate) fn token(&mut self) -> Result<Option<Token<'t>>> {
        self.skip_space();
        if self.expected == Expected::More {
            match (self.open.last(), self.peek()) {
                (None, None) => return Ok(None),
                (Some(bracket), Some(b',')) => {
                    self.expected = match bracket {
                        Bracket::Array => Expected::Value,
                        Bracket::Object => Expected::Name,
                    };
                    self.at += 1;
                    self.skip_space();
                }
                _ => return self.close().map(Some),
            }
        }
        let token = match (self.expected, self.peek()) {
            (Expected::FirstName, Some(b'}')) | (Expected::FirstValue, Some(b']')) => self.close(),
            (Expected::FirstName | Expected::Name, _) => self.name(),
            _ => self.value(),
        };
        token.map(Some)
    }

    /// Goes behind the value that is next, and says where it is.
    pub(crate) fn skip_value(&mut self) -> Result<Range<usize>> {
        self.skip_space();
        let (start, depth) = (self.at, self.open.len());
        loop {
            self.token()?;
            if self.open.len() == depth {
                return Ok(start..self.at);
            }
        }
    }

    fn name(&mut self) -> Result<Token<'t>> {
        let name = self.quoted()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.fault("a name has no colon"));
        }
        self.at += 1;
        self.expected = Expected::Value;
        Ok(Token::Name(name))
    }

    fn value(&mut self) -> Result<Token<'t>> {
        match self.peek() {
            Some(b'[') => return self.open(Bracket::Array, Expected::FirstValue),
            Some(b'{') => return self.open(Bracket::Object, Expected::FirstName),
            _ => self.expected = Expected::More,
        }
        if self.peek() == Some(b'"') {
            return self.quoted().map(Token::Text);
        }
        for word in ["null", "true", "false"] {
            if self.takes(word) {
                return Ok(Token::Word(word));
            }
        }
        for float in ["NaN", "Infinity", "-Infinity"] {
            if self.takes(float) {
                return Ok(Token::Float(float));
            }
        }
        self.number()
    }

    fn open(&mut self, bracket: Bracket, expected: Expected) -> Result<Token<'t>> {
        if self.around + self.open.len() >= DEEPEST {
            return Err(self.fault("it is too deep"));
        }
        self.at += 1;
        self.open.push(bracket);
        self.expected = expected;
        Ok(Token::Open(bracket))
    }

    fn close(&mut self) -> Result<Token<'t>> {
        match (self.open.last(), self.peek()) {
            (Some(Bracket::Array), Some(b']')) | (Some(Bracket::Object), Some(b'}')) => {}
            _ => return Err(self.fault("a bracket or a comma is missing")),
        }
        self.at += 1;
        self.expected = Expected::More;
        let closed = self.open.pop();
        closed.map(Token::Close).ok_or_else(|| self.fault("a bracket is missing"))
    }

    fn quoted(&mut self) -> Result<Text<'t>> {
        let (text, behind) =
            Text::at(self.text, self.at).ok_or_else(|| self.fault("a string is malformed"))?;
        self.at = behind;
        Ok(text)
    }

    /// Python's: no leading zeros, no plus, digits on both sides of the point.
    fn number(&mut self) -> Result<Token<'t>> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let whole = self.at;
        let digits = if self.takes("0") { 1 } else { self.digits() };
        if digits == 0 {
            return Err(self.fault("a value is none of JSON"));
        }
        let behind = self.at;
        if self.takes(".") && self.digits() == 0 {
            self.at = behind;
        }
        let point = self.at;
        if self.takes("e") || self.takes("E") {
            let _sign = self.takes("+") || self.takes("-");
            if self.digits() == 0 {
                self.at = point;
            }
        }
        let number = &self.text[start..self.at];
        if self.at > behind {
            return Ok(Token::Float(number));
        }
        if behind - whole > LONGEST_INTEGER {
            return Err(self.fault("an integer is too long"));
        }
        Ok(Token::Integer(number))
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fault(&self, what: &'static str) -> Error {
        Error::new(self.kind, format!("a session's JSON is none that Python reads: {what}"))
    }
}
