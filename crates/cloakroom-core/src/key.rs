//! The visitor's key: drawn, parsed, rotated and kept out of sight.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::text::Text;
use crate::{Addressing, Error, ErrorKind, Result, SessionId, random};

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const LENGTH: usize = 32;
/// How much of a key survives rotation. It names the session's place: a slot, a folder.
pub(crate) const PLACE: usize = 3;
/// No browser keeps a cookie whose name and value are longer than that together (RFC 6265bis, 5.6).
const LONGEST_COOKIE: usize = 4096;

/// What the visitor holds: the value of the session cookie, and the whole right to the session.
///
/// A generated key is 32 characters of a-z0-9 from the operating system's generator. The first 3
/// are its *place* and survive rotation; the other 29 (150 bits) do not.
///
/// It has no `Display`, its `Debug` shows nothing, and it compares in constant time.
///
/// ```
/// use cloakroom_core::{Addressing, SessionKey};
///
/// let key = SessionKey::generate(Addressing::Hashed)?;
/// assert_eq!(key.expose().len(), 32);
/// assert_eq!(format!("{key:?}"), "SessionKey(redacted)");
/// assert!(SessionKey::parse("../etc/passwd", Addressing::Hashed).is_none());
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SessionKey {
    text: Text,
    addressing: Addressing,
}

impl SessionKey {
    /// A new key for engines of this addressing. For [`Addressing::Presented`] it opens nothing: it names
    /// a session that its engine has not issued yet.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the operating system has no random numbers to give.
    pub fn generate(addressing: Addressing) -> Result<Self> {
        Ok(Self { text: draw("", random::fill)?, addressing })
    }

    /// A new key at the same place as this one.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the operating system has no random numbers to give.
    pub fn rotated(&self) -> Result<Self> {
        let place = self.expose().get(..PLACE).unwrap_or_default();
        Ok(Self { text: draw(place, random::fill)?, addressing: self.addressing })
    }

    /// What a browser sent, if it has the form of a key under `addressing`; else nothing, and no
    /// engine ever sees it.
    pub fn parse(text: &str, addressing: Addressing) -> Option<Self> {
        let alphanumeric = || text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let accepted = match addressing {
            Addressing::Hashed => text.len() == LENGTH && alphanumeric(),
            Addressing::Verbatim => (8..=40).contains(&text.len()) && alphanumeric(),
            Addressing::Presented => {
                (1..=LONGEST_COOKIE).contains(&text.len()) && text.bytes().all(is_of_a_value)
            }
        };
        accepted.then(|| Self { text: Text::new(text), addressing })
    }

    /// The key itself, for the Set-Cookie header and for nothing else.
    pub fn expose(&self) -> &str {
        self.text.as_str()
    }

    /// What an engine sees in its place.
    pub fn id(&self) -> SessionId {
        SessionId::of(self.expose(), self.addressing)
    }
}

/// The text of a key that begins with `place`, from a source of randomness.
fn draw(place: &str, mut fill: impl FnMut(&mut [u8]) -> Result<()>) -> Result<Text> {
    let mut key = String::with_capacity(LENGTH);
    key.push_str(place);
    // 252 is the largest multiple of 36 in a byte; taking more would favour some letters. One draw of
    // 64 all but always suffices; a generator that is stuck is caught by the bound.
    for _ in 0..16 {
        let mut bytes = [0; 64];
        fill(&mut bytes)?;
        let fair = bytes.into_iter().filter(|byte| *byte < 252);
        key.extend(fair.take(LENGTH - key.len()).map(|byte| char::from(ALPHABET[usize::from(byte % 36)])));
        if key.len() == LENGTH {
            return Ok(Text::new(&key));
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "the operating system's random generator repeats itself"))
}

/// base64url, and what separates its parts: in no header, log or shell does it mean anything else.
fn is_of_a_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':')
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(redacted)")
    }
}

impl PartialEq for SessionKey {
    fn eq(&self, other: &Self) -> bool {
        self.text.as_bytes().ct_eq(other.text.as_bytes()).into()
    }
}

impl Eq for SessionKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_32_letters_and_digits_and_never_repeat() {
        let keys: std::collections::HashSet<String> = (0..10_000)
            .map(|_| SessionKey::generate(Addressing::Hashed).unwrap().expose().to_owned())
            .collect();
        assert_eq!(keys.len(), 10_000);
        assert!(keys.iter().all(|key| SessionKey::parse(key, Addressing::Hashed).is_some()));
    }

    #[test]
    fn every_letter_is_about_as_likely_as_any_other() {
        let mut counts = [0_u32; 36];
        for _ in 0..5_000 {
            for byte in SessionKey::generate(Addressing::Hashed).unwrap().expose().bytes() {
                counts[ALPHABET.iter().position(|letter| *letter == byte).unwrap()] += 1;
            }
        }
        let expected = 5_000 * 32 / 36;
        assert!(counts.iter().all(|count| count.abs_diff(expected) < expected / 5), "{counts:?}");
    }

    /// Of a generator that is a clock, a counter or a process's number in disguise some place, some pair of
    /// neighbours or some key after the next would tell.
    #[test]
    fn no_place_in_a_key_favours_a_letter_and_no_letter_foretells_another() {
        const KEYS: u32 = 36 * 36 * 20;
        let letter = |byte: u8| ALPHABET.iter().position(|letter| *letter == byte).unwrap();
        let keys: Vec<Vec<usize>> = (0..KEYS)
            .map(|_| SessionKey::generate(Addressing::Hashed).unwrap().expose().bytes().map(letter).collect())
            .collect();
        // How far what was counted is from what was to be expected, in standard deviations of chi square.
        let distance = |possible: u32, seen: &mut dyn Iterator<Item = usize>| {
            let mut counts = vec![0_u32; possible as usize];
            seen.for_each(|one| counts[one] += 1);
            let expected = f64::from(counts.iter().sum::<u32>()) / f64::from(possible);
            let square = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected);
            (square.sum::<f64>() - f64::from(possible)) / f64::from(2 * possible).sqrt()
        };
        let anywhere = distance(36, &mut keys.iter().flatten().copied());
        assert!(anywhere < 10.0, "{anywhere}");
        for place in 0..LENGTH {
            let next = (place + 1) % LENGTH;
            let alone = distance(36, &mut keys.iter().map(|key| key[place]));
            let neighbours = distance(36 * 36, &mut keys.iter().map(|key| key[place] * 36 + key[next]));
            let after = keys.iter().zip(keys.iter().cycle().skip(1));
            let after = distance(36 * 36, &mut after.map(|(one, two)| one[place] * 36 + two[place]));
            for far in [alone, neighbours, after] {
                assert!(far.abs() < 10.0, "{far} at {place}");
            }
        }
    }

    /// Neither the time nor the process is mixed in, as if that could make up for weak numbers.
    #[test]
    fn a_key_is_made_of_what_the_generator_gives_and_of_nothing_else() {
        let drawn = |first: u8| {
            let mut next = first;
            let fill = |bytes: &mut [u8]| {
                bytes.fill_with(|| {
                    next = next.wrapping_mul(5).wrapping_add(1);
                    next
                });
                Ok(())
            };
            draw("", fill).map(|text| text.as_str().to_owned()).unwrap()
        };
        assert_eq!(drawn(1), drawn(1));
        let all: std::collections::HashSet<String> = (0..=255).map(drawn).collect();
        assert!(all.len() > 250, "and of all of it: {}", all.len());
    }

    #[test]
    fn rotation_keeps_the_place_and_nothing_else() {
        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        let rotated = key.rotated().unwrap();
        assert_eq!(key.expose()[..PLACE], rotated.expose()[..PLACE]);
        assert_ne!(key.expose()[PLACE..], rotated.expose()[PLACE..]);
    }

    #[test]
    fn a_failing_generator_is_an_error_and_no_key() {
        let failed = draw("", |_| Err(Error::new(ErrorKind::Unavailable, "none left")));
        assert_eq!(failed.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
    }

    #[test]
    fn a_generator_that_is_stuck_is_an_error_and_no_endless_loop() {
        let stuck = draw("", |bytes| {
            bytes.fill(255);
            Ok(())
        });
        assert_eq!(stuck.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
    }

    #[test]
    fn hostile_cookie_values_are_no_keys() {
        let long = "a".repeat(33);
        for hostile in
            ["", "short", "../../../../../../../etc/passwd0", "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", &long]
        {
            assert!(SessionKey::parse(hostile, Addressing::Hashed).is_none(), "{hostile:?}");
        }
        assert!(SessionKey::parse("seven77", Addressing::Verbatim).is_none());
        assert!(SessionKey::parse("eight888", Addressing::Verbatim).is_some());
    }

    /// A flush that made the key empty once put all who had flushed into one session.
    #[test]
    fn nothing_that_is_empty_is_a_key_or_an_id_under_any_addressing() {
        for addressing in [Addressing::Hashed, Addressing::Verbatim, Addressing::Presented] {
            for empty in ["", " ", "\t", "\0", "\"\"", "''", "%00"] {
                assert!(SessionKey::parse(empty, addressing).is_none(), "{empty:?} {addressing:?}");
            }
            let key = SessionKey::generate(addressing).unwrap();
            assert!(!key.expose().is_empty() && !key.rotated().unwrap().expose().is_empty());
        }
        assert!(SessionId::parse("").is_none());
    }

    /// So no engine's column is too short for what a browser sends: nothing is cut there, nor looked for again.
    #[test]
    fn a_key_that_is_too_long_never_becomes_an_id() {
        for (addressing, longest) in [(Addressing::Hashed, 32), (Addressing::Verbatim, 40)] {
            for length in 0..300 {
                if let Some(key) = SessionKey::parse(&"a".repeat(length), addressing) {
                    assert!(length <= longest && key.id().expose().len() <= 40, "{length}");
                }
            }
            assert!(SessionKey::parse(&"a".repeat(longest), addressing).is_some());
        }
    }

    #[test]
    fn a_presented_value_is_base64url_and_separators_and_fits_a_cookie() {
        let accepted = |text: &str| SessionKey::parse(text, Addressing::Presented).is_some();
        let longest = "Az09-_.:".repeat(LONGEST_COOKIE / 8);
        assert!(accepted(&longest) && accepted("a"));
        let (longer, huge) = (format!("{longest}a"), "a".repeat(1 << 20));
        for hostile in
            ["", &longer, &huge, "a b", "a=", "a+b", "a/b", "a%2e", "a\"b", "a;b", "a,b", "a\0", "ä"]
        {
            assert!(!accepted(hostile), "{:?}", hostile.get(..8));
        }
    }
}
