//! A value's text as `json.dumps` writes it. What Django has written stays as it is.

use cloakroom_core::{ErrorKind, Result};

use super::number::float;
use super::{Bracket, Scanner, Token};

/// Writes the value that `text` is, which stands inside of so many brackets: without spaces, in ASCII, floats as Python shows
/// them.
///
/// # Errors
///
/// Of that kind, if it is none that Python reads.
pub(crate) fn normal(text: &str, around: usize, kind: ErrorKind, out: &mut String) -> Result<()> {
    let mut scanner = Scanner::over(text, around, kind);
    let mut comma = false;
    while let Some(token) = scanner.token()? {
        if comma && !matches!(token, Token::Close(_)) {
            out.push(',');
        }
        comma = !matches!(token, Token::Open(_) | Token::Name(_));
        match token {
            Token::Open(Bracket::Array) => out.push('['),
            Token::Open(Bracket::Object) => out.push('{'),
            Token::Close(Bracket::Array) => out.push(']'),
            Token::Close(Bracket::Object) => out.push('}'),
            Token::Name(name) => {
                name.write(out);
                out.push(':');
            }
            Token::Text(text) => text.write(out),
            // Python knows no negative zero among integers.
            Token::Integer("-0") => out.push('0'),
            Token::Integer(digits) => out.push_str(digits),
            Token::Float(number) => out.push_str(&float(number.parse().unwrap_or(f64::NAN))),
            Token::Word(word) => out.push_str(word),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        let mut out = String::new();
        normal(text, 0, ErrorKind::Invalid, &mut out).ok().map(|()| out)
    }

    #[test]
    fn what_django_writes_stays_as_it_is() {
        let text = r#"{"a":[1,-2.5,1e-05,true,null,[],{}],"\u00e9":"\ud83d\ude00 \ud800\u007f\"\\\b","n":[NaN,-Infinity]}"#;
        assert_eq!(written(text).as_deref(), Some(text));
    }

    #[test]
    fn another_writers_text_becomes_pythons() {
        let forms = [
            ("\"é😀\u{7f}\"", r#""\u00e9\ud83d\ude00\u007f""#),
            (r#"" \/ \u0041 \uD83D\uDE00 \u00E9 ""#, r#"" / A \ud83d\ude00 \u00e9 ""#),
            (r#"" \ude00\ud83d\ud83d\ude00 ""#, r#"" \ude00\ud83d\ud83d\ude00 ""#),
            (" [ 1 , 2 ] ", "[1,2]"),
            ("{ \"a\" : { } }", "{\"a\":{}}"),
            ("0.00001", "1e-05"),
            ("1E400", "Infinity"),
            ("-1e3", "-1000.0"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("18446744073709551616", "18446744073709551616"),
        ];
        for (text, python) in forms {
            assert_eq!(written(text).as_deref(), Some(python), "{text}");
        }
    }

    #[test]
    fn what_python_does_not_read_is_not_written() {
        let bad = [
            "",
            " ",
            "nul",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "1e+",
            "0x1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "[1}",
            "]",
            "[",
            "{\"a\":1",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"\n\"",
            "'a'",
            "1 1",
            "\u{feff}1",
            "inf",
            "nan",
            "-NaN",
            "/**/1",
        ];
        for text in bad {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_takes_no_stack() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(written(&deep(990)), Some(deep(990)));
        assert_eq!(written(&deep(991)), None);
        assert_eq!(written(&"[{\"a\":".repeat(1 << 20)), None);
    }

    #[test]
    fn integers_are_as_long_as_python_reads_them() {
        let longest = format!("-{}", "9".repeat(4_300));
        assert_eq!(written(&longest).as_ref(), Some(&longest));
        assert_eq!(written(&"9".repeat(4_301)), None);
        assert_eq!(written(&format!("{}.0", "9".repeat(5_000))).as_deref(), Some("Infinity"));
    }
}
