//! Text that shows what it is: it fits, and moves no cursor.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Without what a terminal would obey and what would end a field: names and values come from visitors.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return text.into();
    }
    let shown = text.chars().flat_map(|letter| {
        let escaped = is_unseen(letter).then(|| letter.escape_default());
        let itself = escaped.is_none().then_some(letter);
        escaped.into_iter().flatten().chain(itself)
    });
    shown.collect()
}

/// The same for JSON, where such characters are in strings alone: what it says stays what it is.
pub(crate) fn plain_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_unseen(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                write!(shown, "\\u{unit:04x}").ok();
            }
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Controls, and what turns the direction or has no width: one text could look like another.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The beginning that fits into so many columns, with a mark where more is left out.
pub(crate) fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return text.into();
    }
    let mut left = columns.saturating_sub(1);
    let mut shown = String::new();
    for letter in text.chars() {
        let width = letter.width().unwrap_or(0);
        if width > left {
            break;
        }
        left -= width;
        shown.push(letter);
    }
    shown.push('…');
    shown.into()
}

/// Lines of whole words that fit into so many columns. A word that does not is a line of its own.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(plain("alice"), "alice");
        assert_eq!(plain("a\tb\nc\u{1b}[2J"), r"a\tb\nc\u{1b}[2J");
        assert_eq!(plain("\u{202e}ecila\u{9b}"), r"\u{202e}ecila\u{9b}");
        assert_eq!(plain("Zoë 東京"), "Zoë 東京");
    }

    #[test]
    fn two_texts_that_differ_never_look_alike_by_what_is_not_seen() {
        for unseen in ['\u{61c}', '\u{ad}', '\u{180e}', '\u{3164}', '\u{fffb}', '\u{e0061}'] {
            assert!(plain(&format!("alice{unseen}")).is_ascii(), "{unseen:?}");
        }
    }

    #[test]
    fn json_says_the_same_without_them() {
        let json = "{\"a\":\"\u{9b}2J\u{202e}é\"}";
        let shown = plain_json(json);
        assert_eq!(shown, r#"{"a":"\u009b2J\u202eé"}"#);
        let parsed = |text| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parsed(&shown), parsed(json));
    }

    #[test]
    fn what_does_not_fit_is_cut_by_columns_and_marked() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde…");
        assert_eq!(fit("東京都庁", 6), "東京…");
    }

    #[test]
    fn lines_are_whole_words_that_fit() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("extraordinary it is", 5), ["extraordinary", "it is"]);
    }
}
