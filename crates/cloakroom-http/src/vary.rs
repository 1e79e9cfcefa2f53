//! Reading the Vary header.

/// Whether these Vary headers say already that the answer varies by cookie: a `*` says it of all headers.
pub fn varies<'h>(headers: impl IntoIterator<Item = &'h [u8]>) -> bool {
    let mut names = headers.into_iter().flat_map(|header| header.split(|byte| *byte == b','));
    names.any(|name| matches!(name.trim_ascii(), b"*") || name.trim_ascii().eq_ignore_ascii_case(b"cookie"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_is_found_in_any_case_among_others_and_in_a_star() {
        let yes: [&[&str]; 6] = [
            &["Cookie"],
            &["Accept, cookie"],
            &["COOKIE ,Accept"],
            &["Accept", "Origin,\tCookie"],
            &["*"],
            &["Accept, *"],
        ];
        let no: [&[&str]; 5] = [&[], &[""], &["Accept"], &["X-Cookie, Cookies"], &["Coo", "kie"]];
        for (table, expected) in [(&yes[..], true), (&no[..], false)] {
            for headers in table {
                assert_eq!(varies(headers.iter().map(|header| header.as_bytes())), expected, "{headers:?}");
            }
        }
    }
}
