//! Integers of any length: two's complement, the lowest byte first, and digits.

use crate::json::LONGEST_INTEGER;

/// Nine digits fit 32 bits.
const NINE_DIGITS: u64 = 1_000_000_000;

/// The digits of what the bytes are; none if they are more than Python reads.
pub(crate) fn digits(bytes: &[u8]) -> Option<String> {
    // No integer of that many digits takes as many bytes as half of them.
    if bytes.len() > LONGEST_INTEGER / 2 {
        return None;
    }
    let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut limbs: Vec<u32> =
        bytes.chunks(4).map(|chunk| limb(chunk, if is_negative { 0xff } else { 0 })).collect();
    if is_negative {
        negate(&mut limbs);
    }
    let mut parts = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) || parts.is_empty() {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let value = rest << 32 | u64::from(*limb);
            (*limb, rest) = (low(value / NINE_DIGITS), value % NINE_DIGITS);
        }
        parts.push(rest);
        limbs.truncate(limbs.iter().rposition(|limb| *limb != 0).map_or(0, |last| last + 1));
    }
    let first = parts.pop().unwrap_or_default().to_string();
    let rest: Vec<String> = parts.iter().rev().map(|part| format!("{part:09}")).collect();
    let shown = first + &rest.concat();
    if shown.len() > LONGEST_INTEGER {
        return None;
    }
    Some(if is_negative { format!("-{shown}") } else { shown })
}

/// As few bytes as hold the number that the digits are.
pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    let magnitude = digits.trim_start_matches('-');
    let mut limbs: Vec<u32> = vec![0];
    for part in magnitude.as_bytes().chunks(9) {
        let mut carry = part.iter().fold(0, |number, digit| number * 10 + u64::from(digit & 15));
        let scale = 10_u64.pow(u32::try_from(part.len()).unwrap_or_default());
        for limb in &mut limbs {
            let value = u64::from(*limb) * scale + carry;
            (*limb, carry) = (low(value), value >> 32);
        }
        limbs.push(low(carry));
        limbs.truncate(limbs.iter().rposition(|limb| *limb != 0).map_or(1, |last| last + 1));
    }
    // Room for the sign.
    limbs.push(0);
    if digits.starts_with('-') {
        negate(&mut limbs);
    }
    let mut bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
    while let [.., before, last] = bytes[..]
        && (last == 0 && before < 0x80 || last == 0xff && before >= 0x80)
    {
        bytes.pop();
    }
    bytes
}

fn limb(chunk: &[u8], filling: u8) -> u32 {
    let mut bytes = [filling; 4];
    bytes[..chunk.len()].copy_from_slice(chunk);
    u32::from_le_bytes(bytes)
}

fn negate(limbs: &mut [u32]) {
    let mut carry = true;
    for limb in limbs {
        (*limb, carry) = (!*limb).overflowing_add(u32::from(carry));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is meant")]
fn low(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_digits_that_python_shows() {
        let numbers: [(&[u8], &str); 11] = [
            (&[], "0"),
            (&[0], "0"),
            (&[255], "-1"),
            (&[127], "127"),
            (&[128], "-128"),
            (&[128, 0], "128"),
            (&[127, 255], "-129"),
            (&[0, 0, 0, 128, 0], "2147483648"),
            (&[0, 0, 0, 128], "-2147483648"),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 64], "1180591620717411303424"),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128], "-10141204801825835211973625643008"),
        ];
        for (number, shown) in numbers {
            assert_eq!(digits(number).as_deref(), Some(shown));
            if !number.is_empty() && number != [0] {
                assert_eq!(bytes(shown), number, "{shown}");
            }
        }
        assert_eq!(bytes("0"), [0]);
    }

    #[test]
    fn integers_are_as_long_as_python_shows_them() {
        let longest = format!("-{}", "9".repeat(LONGEST_INTEGER));
        assert_eq!(digits(&bytes(&longest)), Some(longest.clone()));
        assert_eq!(digits(&bytes(&(longest + "9"))), None);
        assert_eq!(digits(&vec![1; 1 << 20]), None);
    }
}
