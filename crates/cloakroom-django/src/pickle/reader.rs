//! The opcodes of protocols 0 to 5 that build plain data; any other ends the reading. Nothing is looked up or called.

use cloakroom_core::Result;

use super::heap::Node;
use super::integer;
use super::machine::{Machine, pairs};
use crate::corrupt::corrupt;
use crate::json::{LONGEST_INTEGER, Unit, float};

/// The most opcodes: what they build takes some ten bytes each.
pub(crate) const MOST_STEPS: usize = 1 << 20;

/// What a pickle holds, as Python writes it in JSON: a tuple is a list there, and a name that is none becomes one.
///
/// # Errors
///
/// `Corrupt` for what JSON doesn't know, for what holds itself, for more than a million opcodes and for more than 16 MiB.
pub(crate) fn read(pickle: &[u8]) -> Result<String> {
    let mut machine = Machine::default();
    let mut input = Input(pickle);
    for _ in 0..MOST_STEPS {
        let opcode = input.byte()?;
        if opcode == b'.' {
            let root = machine.pop()?;
            return super::shown::shown(&machine.heap, root);
        }
        step(opcode, &mut input, &mut machine)?;
    }
    Err(corrupt("its pickle has too many steps"))
}

fn step(opcode: u8, input: &mut Input<'_>, machine: &mut Machine) -> Result<()> {
    match opcode {
        // Protocol and frames: neither changes what follows.
        0x80 => match input.byte()? {
            0..=5 => Ok(()),
            _ => Err(corrupt("its pickle's protocol is unknown")),
        },
        0x95 => {
            let length = input.array().map(u64::from_le_bytes)?;
            let is_there = usize::try_from(length).is_ok_and(|length| length <= input.0.len());
            is_there.then_some(()).ok_or_else(cut)
        }
        b'(' => {
            machine.mark();
            Ok(())
        }
        b'0' => machine.drop_top(),
        b'1' => machine.pop_to_mark().map(drop),
        b'2' => machine.top().map(|top| machine.push(top)),
        b'p' => input.place().and_then(|place| machine.remember(place)),
        b'q' => input.byte().and_then(|place| machine.remember(place.into())),
        b'r' => input.array().and_then(|place| machine.remember(u32::from_le_bytes(place))),
        0x94 => machine.remember_next(),
        b'g' => input.place().and_then(|place| machine.recall(place)),
        b'h' => input.byte().and_then(|place| machine.recall(place.into())),
        b'j' => input.array().and_then(|place| machine.recall(u32::from_le_bytes(place))),
        b']' => machine.add(Node::List(Vec::new())),
        b')' => machine.add(Node::Tuple(Vec::new())),
        b'}' => machine.add(Node::Dict(Vec::new())),
        b'l' => machine.pop_to_mark().and_then(|items| machine.add(Node::List(items))),
        b't' => machine.pop_to_mark().and_then(|items| machine.add(Node::Tuple(items))),
        b'd' => machine.pop_to_mark().and_then(|items| machine.add(Node::Dict(pairs(&items)?))),
        0x85..=0x87 => machine.tuple(usize::from(opcode) - 0x84),
        b'a' => machine.pop().and_then(|item| machine.append(&[item])),
        b'e' => machine.pop_to_mark().and_then(|items| machine.append(&items)),
        b's' => {
            let value = machine.pop()?;
            let name = machine.pop()?;
            machine.set(&[name, value])
        }
        b'u' => machine.pop_to_mark().and_then(|items| machine.set(&items)),
        _ => {
            let id = match opcode {
                b'V' => machine.heap.text(raw_unicode_escape(input.line()?)?.into_iter())?,
                0x8c => text(u64::from(input.byte()?), input, machine)?,
                b'X' => text(input.array().map(u32::from_le_bytes)?.into(), input, machine)?,
                0x8d => text(input.array().map(u64::from_le_bytes)?, input, machine)?,
                _ => machine.heap.bare(&number(opcode, input)?)?,
            };
            machine.push(id);
            Ok(())
        }
    }
}

/// The numbers and words, as JSON.
fn number(opcode: u8, input: &mut Input<'_>) -> Result<String> {
    Ok(match opcode {
        b'N' => "null".to_owned(),
        0x88 => "true".to_owned(),
        0x89 => "false".to_owned(),
        b'I' => match input.line()? {
            b"01" => "true".to_owned(),
            b"00" => "false".to_owned(),
            line => decimal(line)?,
        },
        b'L' => {
            let line = input.line()?;
            decimal(line.strip_suffix(b"L").unwrap_or(line))?
        }
        b'J' => i32::from_le_bytes(input.array()?).to_string(),
        b'K' => input.byte()?.to_string(),
        b'M' => u16::from_le_bytes(input.array()?).to_string(),
        0x8a => {
            let length = input.byte()?.into();
            binary(input.take(length)?)?
        }
        0x8b => {
            // A negative length is one that is not there.
            let length = u32::from_le_bytes(input.array()?).into();
            binary(input.take(length)?)?
        }
        b'F' => {
            let line = std::str::from_utf8(input.line()?).unwrap_or_default();
            float(line.parse().map_err(|_| corrupt("its pickle has a malformed number"))?)
        }
        b'G' => float(f64::from_be_bytes(input.array()?)),
        _ => return Err(corrupt("its pickle holds more than plain data")),
    })
}

fn binary(bytes: &[u8]) -> Result<String> {
    integer::digits(bytes).ok_or_else(|| corrupt("its pickle has too long an integer"))
}

fn decimal(line: &[u8]) -> Result<String> {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    let is_one = match digits {
        b"0" => return Ok("0".to_owned()),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit) && digits.len() <= LONGEST_INTEGER,
        _ => false,
    };
    let number = std::str::from_utf8(line).ok().filter(|_| is_one);
    number.map(str::to_owned).ok_or_else(|| corrupt("its pickle has a malformed number"))
}

fn text(length: u64, input: &mut Input<'_>, machine: &mut Machine) -> Result<super::heap::Id> {
    let bytes = input.take(length)?;
    let units = match std::str::from_utf8(bytes) {
        Ok(text) => return machine.heap.text(text.chars().map(Unit::Char)),
        Err(_) => surrogates(bytes).ok_or_else(|| corrupt("its pickle has a malformed string"))?,
    };
    machine.heap.text(units.into_iter())
}

/// UTF-8 in which surrogates stand as if they were characters.
fn surrogates(mut bytes: &[u8]) -> Option<Vec<Unit>> {
    let mut units = Vec::new();
    loop {
        let end = match std::str::from_utf8(bytes) {
            Ok(text) => {
                units.extend(text.chars().map(Unit::Char));
                return Some(units);
            }
            Err(error) => error.valid_up_to(),
        };
        let (valid, rest) = bytes.split_at(end);
        units.extend(std::str::from_utf8(valid).ok()?.chars().map(Unit::Char));
        let [0xed, middle @ 0xa0..=0xbf, last @ 0x80..=0xbf, behind @ ..] = rest else { return None };
        units.push(Unit::Lone(0xd000 | u16::from(middle & 0x3f) << 6 | u16::from(last & 0x3f)));
        bytes = behind;
    }
}

/// Python's codec of that name: Latin-1, and escapes with `u` and `U`.
fn raw_unicode_escape(line: &[u8]) -> Result<Vec<Unit>> {
    let mut units = Vec::new();
    let mut rest = line;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let digits = match (first, behind.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(other)) => {
                units.extend([Unit::Char('\\'), Unit::Char(char::from(*other))]);
                rest = &behind[1..];
                continue;
            }
            _ => {
                units.push(Unit::Char(char::from(*first)));
                continue;
            }
        };
        let (unit, behind) =
            escaped(&behind[1..], digits).ok_or_else(|| corrupt("its pickle has a malformed string"))?;
        units.push(unit);
        rest = behind;
    }
    Ok(units)
}

fn escaped(rest: &[u8], digits: usize) -> Option<(Unit, &[u8])> {
    let (digits, behind) = rest.split_at_checked(digits)?;
    let code = digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))?;
    let unit = match char::from_u32(code) {
        Some(char) => Unit::Char(char),
        None => Unit::Lone(u16::try_from(code).ok()?),
    };
    Some((unit, behind))
}

/// What is left of the pickle.
struct Input<'p>(&'p [u8]);

impl<'p> Input<'p> {
    fn byte(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH]> {
        let (array, rest) = self.0.split_first_chunk().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*array)
    }

    fn take(&mut self, length: u64) -> Result<&'p [u8]> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<&'p [u8]> {
        let end = self.0.iter().position(|byte| *byte == b'\n').ok_or_else(cut)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Ok(line)
    }

    /// A line that says where in the memo.
    fn place(&mut self) -> Result<u32> {
        let line = self.line()?;
        let place = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok());
        place.ok_or_else(|| corrupt("its pickle remembers at no place"))
    }
}

fn cut() -> cloakroom_core::Error {
    corrupt("its pickle is cut")
}
