//! Base64 as Python takes it: both alphabets, padding or none, and anything else in between.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What `signing.b64_decode` makes of a text; none where that raises.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok().or_else(|| lax(text))
}

/// Django fills up to four with padding, and Python skips what is not in the alphabet.
fn lax(text: &[u8]) -> Option<Vec<u8>> {
    let filled = text.iter().chain(std::iter::repeat_n(&b'=', (4 - text.len() % 4) % 4));
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut place, mut pads, mut left) = (0, 0, 0_u8);
    for byte in filled {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                pads += 1;
                if place >= 2 && place + pads >= 4 {
                    return Some(bytes);
                }
                continue;
            }
            _ => continue,
        };
        pads = 0;
        match place {
            0 => {}
            1 => bytes.push(left << 2 | six >> 4),
            2 => bytes.push(left << 4 | six >> 2),
            _ => bytes.push(left << 6 | six),
        }
        left = six;
        place = (place + 1) % 4;
    }
    (place == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_takes_is_taken() {
        let taken =
            ["YWI", "YWI=", "YWI==", "Y!W!I!!", "YWK", "YWI=YWI=", "\nYWI\n==", "=YWI=", "YW=I=", "YWI=junk"];
        for text in taken {
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(b"ab".as_slice()), "{text}");
        }
        assert_eq!(decode(b"-_+/"), decode(b"+/-_"));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        assert_eq!(
            ["Y", "YWJjY", "Y===", "YW!I", "=YWI"].map(|text| decode(text.as_bytes())),
            [const { None }; 5]
        );
    }
}
