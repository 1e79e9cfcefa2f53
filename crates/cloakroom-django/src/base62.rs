//! The seconds in a signed text: digits, upper case, lower case.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn encode(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        digits.push(char::from(ALPHABET[usize::try_from(rest % 62).unwrap_or_default()]));
        rest /= 62;
    }
    if number < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

/// The number; one that is too large is the largest there is. None for what is no number.
pub(crate) fn decode(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [] => return None,
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    digits.iter().try_fold(0_i64, |number, digit| {
        let digit = ALPHABET.iter().position(|other| other == digit)?;
        let digit = sign * i64::try_from(digit).ok()?;
        Some(number.saturating_mul(62).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_their_digits() {
        for number in [0, 1, -1, 61, 62, -62, 1_700_000_000, i64::MAX, i64::MIN] {
            assert_eq!(decode(encode(number).as_bytes()), Some(number));
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        assert_eq!(["", "!!", "1-", "--1", " 1", "é"].map(|text| decode(text.as_bytes())), [None; 6]);
    }

    #[test]
    fn a_number_without_end_is_the_largest_and_a_lone_minus_nothing() {
        assert_eq!(decode(&[b'z'; 99]), Some(i64::MAX));
        assert_eq!(decode(b"-"), Some(0));
    }
}
