//! Strings: what they say, and how Python writes that.

/// What stands between a string's quotes, seen to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text<'t>(&'t str);

/// A piece of a string of Python, which holds surrogates without their other half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Char(char),
    Lone(u16),
}

impl<'t> Text<'t> {
    /// The string whose opening quote is there, and the place behind its closing one; none if it is malformed.
    pub(crate) fn at(text: &'t str, at: usize) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        let start = at + 1;
        let mut end = start;
        if bytes.get(at) != Some(&b'"') {
            return None;
        }
        loop {
            end += match bytes.get(end)? {
                b'"' => return Some((Self(&text[start..end]), end + 1)),
                b'\\' => match bytes.get(end + 1)? {
                    b'u' => {
                        let digits = bytes.get(end + 2..end + 6)?;
                        digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
                    }
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                    _ => return None,
                },
                ..0x20 => return None,
                _ => 1,
            };
        }
    }

    pub(crate) fn units(self) -> impl Iterator<Item = Unit> + use<'t> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (unit, behind) = first(rest)?;
            rest = behind;
            Some(unit)
        })
    }

    /// What it says; none if it holds a lone surrogate, which no `String` does.
    pub(crate) fn string(self) -> Option<String> {
        if !self.0.contains('\\') {
            return Some(self.0.to_owned());
        }
        self.units()
            .map(|unit| match unit {
                Unit::Char(char) => Some(char),
                Unit::Lone(_) => None,
            })
            .collect()
    }

    /// Writes it in quotes, as Python does.
    pub(crate) fn write(self, out: &mut String) {
        if self.0.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\') {
            out.push('"');
            out.push_str(self.0);
            out.push('"');
        } else {
            quoted(self.units(), out);
        }
    }
}

/// Writes a string in quotes, as Python does: printable ASCII as it is, all else escaped.
pub(crate) fn quoted(units: impl Iterator<Item = Unit>, out: &mut String) {
    out.push('"');
    for unit in units {
        match unit {
            Unit::Char('"') => out.push_str("\\\""),
            Unit::Char('\\') => out.push_str("\\\\"),
            Unit::Char('\n') => out.push_str("\\n"),
            Unit::Char('\r') => out.push_str("\\r"),
            Unit::Char('\t') => out.push_str("\\t"),
            Unit::Char('\u{8}') => out.push_str("\\b"),
            Unit::Char('\u{c}') => out.push_str("\\f"),
            Unit::Char(char @ ' '..='~') => out.push(char),
            Unit::Char(char) => char.encode_utf16(&mut [0; 2]).iter().for_each(|half| escape(*half, out)),
            Unit::Lone(half) => escape(half, out),
        }
    }
    out.push('"');
}

fn escape(half: u16, out: &mut String) {
    out.push_str("\\u");
    out.extend([12, 8, 4, 0].iter().filter_map(|shift| char::from_digit(u32::from(half >> shift & 15), 16)));
}

/// The first piece of what stands between quotes, and what is behind it.
fn first(rest: &str) -> Option<(Unit, &str)> {
    let Some(escaped) = rest.strip_prefix('\\') else {
        let char = rest.chars().next()?;
        return Some((Unit::Char(char), &rest[char.len_utf8()..]));
    };
    let behind = escaped.get(1..)?;
    let char = match escaped.as_bytes().first()? {
        b'u' => return surrogates(behind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        byte => char::from(*byte),
    };
    Some((Unit::Char(char), behind))
}

/// Behind a `\u`: one half, or both if the other follows.
fn surrogates(rest: &str) -> Option<(Unit, &str)> {
    let (half, behind) = hex(rest)?;
    if let Some(char) = char::from_u32(half.into()) {
        return Some((Unit::Char(char), behind));
    }
    let other = behind.strip_prefix("\\u").and_then(hex);
    let both = other.and_then(|(other, behind)| {
        let mut chars = char::decode_utf16([half, other]);
        Some((Unit::Char(chars.next()?.ok()?), behind))
    });
    Some(both.unwrap_or((Unit::Lone(half), behind)))
}

fn hex(rest: &str) -> Option<(u16, &str)> {
    let (digits, behind) = rest.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, behind))
}
