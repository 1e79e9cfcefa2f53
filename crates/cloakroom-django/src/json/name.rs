//! Names, of which Python has more than Rust.

use super::text::{Text, Unit, quoted};

/// A name as its JSON text and as a `String`.
pub(crate) struct Name;

impl Name {
    /// What a name is called here: what it says. One that holds a lone surrogate, which no `String` does, is called by
    /// its JSON text in quotes, and so is one that could be taken for such a text.
    pub(crate) fn shown(text: Text<'_>) -> String {
        match text.string() {
            Some(name) if !Self::is_shown(&name) => name,
            _ => {
                let mut shown = String::new();
                text.write(&mut shown);
                shown
            }
        }
    }

    /// Writes the name that is called so.
    pub(crate) fn write(name: &str, out: &mut String) {
        if Self::is_shown(name) {
            out.push_str(name);
        } else {
            quoted(name.chars().map(Unit::Char), out);
        }
    }

    /// Whether it is a JSON text that stands for a name. Each quoting adds two characters, so this ends soon.
    fn is_shown(name: &str) -> bool {
        let Some((text, behind)) = Text::at(name, 0) else { return false };
        let mut written = String::new();
        text.write(&mut written);
        behind == name.len() && written == name && text.string().is_none_or(|inner| Self::is_shown(&inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        Name::shown(Text::at(json, 0).unwrap().0)
    }

    fn written(name: &str) -> String {
        let mut out = String::new();
        Name::write(name, &mut out);
        out
    }

    #[test]
    fn a_name_that_no_string_holds_is_called_by_its_json_and_written_back() {
        assert_eq!(shown(r#""a\ud800""#), r#""a\ud800""#);
        assert_eq!(written(r#""a\ud800""#), r#""a\ud800""#);
    }

    #[test]
    fn no_two_names_are_called_the_same() {
        let lone = r#""a\ud800""#;
        let plain = r#""\"a\\ud800\"""#;
        let quoted = r#""\"\\\"a\\\\ud800\\\"\"""#;
        let called = [lone, plain, quoted].map(shown);
        assert_ne!(called[0], called[1]);
        assert_ne!(called[1], called[2]);
        assert_eq!(called.map(|name| written(&name)), [lone, plain, quoted]);
    }

    #[test]
    fn quotes_alone_change_nothing() {
        for name in ["\"", "\"\"", "\"a\"", "\"a", "a\"", "", "é"] {
            assert_eq!(shown(&written(name)), name);
        }
    }
}
