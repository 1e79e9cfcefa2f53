//! Where a session's file is: a folder and a name, made of the id and never of its raw bytes.

use ring::digest::{SHA256, digest};

use cloakroom_core::SessionId;

/// How many folders of sessions there can be.
pub(crate) const FOLDERS: usize = 36 * 36;
/// Ids up to this long are their file's name in hexadecimal; core's have 25 characters. Names end at 255.
const LONGEST_IN_HEX: usize = 100;
/// What a longer id's name begins with, for its folder and its order; its hash follows.
const START: usize = 32;

/// All folders in the order of bytes, which is the order of ids.
static NAMES: [[u8; 2]; FOLDERS] = {
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut names = [[0; 2]; FOLDERS];
    let mut n = 0;
    while n < FOLDERS {
        names[n] = [digits[n / 36], digits[n % 36]];
        n += 1;
    }
    names
};

/// A folder of sessions, named by two characters of a-z0-9.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Folder(usize);

impl Folder {
    /// The folder of an id: its first two characters; for ids that begin otherwise, the last folder
    /// before it in order. So a walk through the folders meets ids in ascending order.
    pub(crate) fn of(id: &[u8]) -> Self {
        Self(NAMES.partition_point(|name| name.as_slice() <= id).saturating_sub(1))
    }

    /// All from this one on.
    pub(crate) fn and_later(self) -> impl Iterator<Item = Self> {
        (self.0..FOLDERS).map(Self)
    }

    /// Its place in the order of folders.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// The one at this place, if there are as many.
    pub(crate) fn nth(n: usize) -> Option<Self> {
        (n < FOLDERS).then_some(Self(n))
    }

    /// Its path from the root.
    pub(crate) fn name(self) -> &'static str {
        str::from_utf8(&NAMES[self.0]).unwrap_or_default()
    }
}

/// The place of one session's file. No two ids share one, also where case is folded.
#[derive(Eq, PartialEq)]
pub(crate) struct Location {
    /// The folder it is in.
    pub(crate) folder: Folder,
    /// Its name there.
    pub(crate) name: String,
}

impl Location {
    /// Where the session under `id` is.
    pub(crate) fn of(id: &[u8]) -> Self {
        let name = if id.len() <= LONGEST_IN_HEX {
            hex(id)
        } else {
            format!("{}-{}", hex(&id[..START]), hex(digest(&SHA256, id).as_ref()))
        };
        Self { folder: Folder::of(id), name }
    }

    /// The place that a name says it is; nothing for names that are not a session's.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let start = unhex(name.split('-').next()?)?;
        Some(Self { folder: Folder::of(&start), name: name.to_owned() })
    }

    /// The id, if the name tells it all.
    pub(crate) fn id(&self) -> Option<SessionId> {
        SessionId::parse(str::from_utf8(&unhex(&self.name)?).ok()?)
    }

    /// Its path from the root.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.folder.name(), self.name)
    }
}

/// Two lower-case digits a byte: names then sort as ids do.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes.filter(|bytes| !bytes.is_empty() && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In ascending order.
    fn ids() -> Vec<String> {
        let mut ids: Vec<String> =
            ["abcdef", "ab", "a", "abC", "aBc", "~", "!", "../x", "a/b", "z{", "9:", "A", "__"]
                .map(str::to_owned)
                .into();
        ids.extend([100, 101, 4096].map(|length| "k".repeat(length)));
        ids.push(format!("{}!", "k".repeat(4095)));
        ids.sort();
        ids
    }

    #[test]
    fn a_session_is_in_the_folder_of_its_first_two_characters() {
        assert_eq!(Location::of(b"k3xYz").path(), "k3/6b3378597a");
    }

    #[test]
    fn folders_follow_each_other_as_the_ids_in_them_do() {
        assert!(ids().is_sorted_by_key(|id| Folder::of(id.as_bytes())));
    }

    #[test]
    fn different_ids_never_share_a_file_even_if_case_is_folded() {
        let names: std::collections::HashSet<String> =
            ids().iter().map(|id| Location::of(id.as_bytes()).name.to_lowercase()).collect();
        assert_eq!(names.len(), ids().len());
    }

    #[test]
    fn no_path_holds_anything_but_digits_letters_and_a_hyphen_and_none_is_too_long() {
        for id in ids() {
            let Location { folder, name } = Location::of(id.as_bytes());
            assert!(folder.name().len() == 2 && name.len() <= 200);
            assert!(name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'), "{name}");
        }
    }

    #[test]
    fn a_name_tells_the_folder_and_if_it_is_short_the_id() {
        for id in ids() {
            let location = Location::of(id.as_bytes());
            let again = Location::of_name(&location.name).unwrap();
            assert!(again == location, "{id}");
            let told = again.id().map(|id| id.expose().to_owned());
            assert_eq!(told, (id.len() <= LONGEST_IN_HEX).then_some(id));
        }
    }

    #[test]
    fn what_is_not_a_sessions_name_is_left_alone() {
        for name in ["", "lock", "draft", "README", "6b3", "6B33", "-6b33"] {
            assert!(Location::of_name(name).is_none(), "{name}");
        }
    }
}
