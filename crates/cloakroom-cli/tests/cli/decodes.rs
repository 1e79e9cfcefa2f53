//! `decode`: Django's own values, as the vectors have them, and what is none of them.

use crate::{Outcome, Program};

const SECRET: &str = "django-vectors-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz!";
/// Django has written it.
const DATA: &str = "eyJhIjoxfQ:1r31eq:gnhLrvrBALTRNO2KverxIY_yA9xesk2G2LwWlnkdhB0";
/// And this, to a browser.
const COOKIE: &str = "eyJhIjoxfQ:1r31eq:3DxYelIdevtGV2qwJPO5bnm3u4DeekfAUg7SHj9K_KY";

#[test]
fn a_session_data_is_its_json() {
    let program = Program::with(&[("SECRET_KEY", SECRET)]);
    assert_eq!(program.read(&["decode"], format!("{DATA}\n").as_bytes()), Outcome::done("{\"a\":1}\n"));
    assert_eq!(program.read(&["decode", "--json"], DATA.as_bytes()), Outcome::done("{\"a\":1}\n"));
}

#[test]
fn an_older_key_still_opens_it() {
    let program = Program::with(&[("SECRET_KEY", "another secret key"), ("SECRET_KEY_FALLBACKS", SECRET)]);
    assert_eq!(program.read(&["decode"], DATA.as_bytes()), Outcome::done("{\"a\":1}\n"));
}

#[test]
fn a_signed_cookie_is_its_json() {
    let program = Program::with(&[("SECRET_KEY", SECRET)]);
    assert_eq!(program.read(&["decode"], COOKIE.as_bytes()), Outcome::done("{\"a\":1}\n"));
}

#[test]
fn what_is_refused_is_refused_with_a_reason_and_not_quoted() {
    let program = Program::with(&[("SECRET_KEY", SECRET)]);
    let forged = DATA.replace("fQ:", "fR:");
    for (input, line) in [
        (forged.as_str(), "a stored session is none of Django's: none of the secret keys has signed it"),
        ("hunter2", "a stored session is none of Django's: it is not signed"),
        (" \n", "standard input is empty: give it a session_data or a cookie's value"),
        ("\u{1b}[2J\0", "a stored session is none of Django's: it is not signed"),
    ] {
        assert_eq!(program.read(&["decode"], input.as_bytes()), Outcome::refused(1, line), "{input:?}");
    }
    let line = "a stored session is none of Django's: it is not signed";
    assert_eq!(program.read(&["decode"], &[0xff; 64]), Outcome::refused(1, line));
}

#[test]
fn more_than_a_session_can_be_is_not_read_to_its_end() {
    let program = Program::with(&[("SECRET_KEY", SECRET)]);
    let line = "standard input is larger than any session";
    assert_eq!(program.read(&["decode"], &vec![b'a'; 40 << 20]), Outcome::refused(1, line));
}

#[test]
fn without_the_sites_key_nothing_is_decoded() {
    let line = "SECRET_KEY: decoding needs the Django site's, and there is none";
    assert_eq!(Program::with(&[]).read(&["decode"], DATA.as_bytes()), Outcome::refused(2, line));
}
