//! What a person sees, on a wide terminal and on a narrow one.

use serde_json::json;

use crate::store::masked;
use crate::{Program, Screen, Store, Visitor};

/// Days and minutes are the same each time; so are the widths of what takes their place.
fn seen(program: &Program, arguments: &[&str], columns: u16, visitors: &[(&Visitor, &str)]) -> String {
    let (status, text) = Screen::start(program.command(arguments), columns).ended();
    assert!(status.success(), "{status} {text}");
    let text = dated(&masked(&text, visitors));
    for line in text.lines() {
        assert!(line.chars().count() <= usize::from(columns), "{line:?} is wider than {columns}");
    }
    text
}

/// Each moment is the same one.
fn dated(text: &str) -> String {
    let mut shown: Vec<char> = text.chars().collect();
    let form: Vec<char> = "dddd-dd-dd dd:dd".chars().collect();
    for start in 0..shown.len().saturating_sub(form.len() - 1) {
        let here = &shown[start..start + form.len()];
        if here.iter().zip(&form).all(|(is, form)| is == form || *form == 'd' && is.is_ascii_digit()) {
            shown.splice(start..start + form.len(), "2026-03-14 12:05".chars());
        }
    }
    let text: String = shown.into_iter().collect();
    text.lines().map(|line| without_seconds(line) + "\n").collect()
}

fn without_seconds(line: &str) -> String {
    match line.strip_suffix(" UTC").and_then(|line| line.rsplit_once(':')) {
        Some((minute, _)) => format!("{minute}:09 UTC"),
        None => line.to_owned(),
    }
}

/// An id as it is: 25 letters.
const ID: &str = "IIIIIIIIIIIIIIIIIIIIIIIII";

#[tokio::test]
async fn a_listing_is_a_table_where_there_is_room_and_stacked_where_there_is_none() {
    let store = Store::sqlite().migrated().await;
    let program = store.program();
    assert_eq!(seen(&program, &["list"], 80, &[]), "No living session.\n");
    let user = "alice.the.administrator@example.org";
    let alice = store.visit(Some(user), &[]).await;
    assert_eq!(
        seen(&program, &["list"], 80, &[(&alice, ID)]),
        "ID                         CREATED (UTC)     EXPIRES (UTC)     USER\n\
         IIIIIIIIIIIIIIIIIIIIIIIII  2026-03-14 12:05  2026-03-14 12:05  alice.the.admini…\n"
    );
    assert_eq!(
        seen(&program, &["list"], 40, &[(&alice, ID)]),
        "IIIIIIIIIIIIIIIIIIIIIIIII\n\
         \x20 user     alice.the.administrator@exam…\n\
         \x20 created  2026-03-14 12:05\n\
         \x20 expires  2026-03-14 12:05\n"
    );
}

#[tokio::test]
async fn a_session_is_shown_cut_to_the_width_and_says_so() {
    let store = Store::sqlite().migrated().await;
    let cart = json!(["a red umbrella", "a blue one", "boots"]);
    let alice = store.visit(Some("alice"), &[("n", json!(1)), ("cart", cart)]).await;
    let show = &["show", &alice.id];
    let head = "id         IIIIIIIIIIIIIIIIIIIIIIIII\n\
                user       alice\n\
                created    2026-03-14 12:05:09 UTC\n\
                last seen  2026-03-14 12:05:09 UTC\n\
                expires    2026-03-14 12:05:09 UTC\n\n";
    assert_eq!(
        seen(&store.program(), show, 80, &[(&alice, ID)]),
        format!("{head}n: 1\ncart: [\"a red umbrella\",\"a blue one\",\"boots\"]\n"),
    );
    assert_eq!(
        seen(&store.program(), show, 40, &[(&alice, ID)]),
        format!(
            "{head}n: 1\ncart: [\"a red umbrella\",\"a blue one\",\"b…\n\nCut to this width; --json shows all.\n"
        ),
    );
}

#[tokio::test]
async fn counts_are_sentences() {
    let store = Store::sqlite().migrated().await;
    let program = store.program();
    let said = |arguments: &[&str]| seen(&program, arguments, 80, &[]);
    assert_eq!(said(&["migrate"]), "The tables are up to date.\n");
    store.visit(Some("alice"), &[]).await;
    store.visit(Some("alice"), &[]).await;
    let bob = store.visit(Some("bob"), &[]).await;
    assert_eq!(said(&["revoke", "--user", "alice"]), "2 sessions were ended.\n");
    assert_eq!(said(&["revoke", "--user", "alice"]), "This user had no living session.\n");
    assert_eq!(said(&["delete", &bob.id]), "The session was ended.\n");
    assert_eq!(said(&["delete", &bob.id]), "No living session has this id.\n");
}

#[tokio::test]
async fn a_sweep_shows_how_far_it_is_and_then_how_far_it_came() {
    let store = Store::sqlite().migrated().await;
    store.expired().await;
    let (status, text) = Screen::start(store.program().command(&["clear-expired"]), 40).ended();
    assert!(status.success(), "{text}");
    assert!(text.contains("cleared"), "a bar: {text:?}");
    assert!(text.ends_with("One expired session was cleared.\n"), "{text:?}");
    // In a pipe there is none.
    assert_eq!(store.run(&["clear-expired"]).err, "");
}

/// What a visitor calls themselves would clear the screen, or look like another line.
#[tokio::test]
async fn nothing_that_a_visitor_has_left_moves_the_cursor() {
    let store = Store::sqlite().migrated().await;
    let user = "\u{202e}toor";
    let visitor = store.visit(Some(user), &[("\u{1b}[31m", json!("\u{9b}2J"))]).await;
    let listed = seen(&store.program(), &["list"], 120, &[(&visitor, ID)]);
    assert_eq!(listed.lines().count(), 2);
    assert!(listed.ends_with("\\u{202e}toor\n"), "{listed:?}");
    let in_pipes = store.run(&["list"]).out;
    assert_eq!(in_pipes.lines().count(), 1, "{in_pipes:?}");
    for arguments in [&["show", &visitor.id][..], &["show", &visitor.id, "--json"]] {
        let text = seen(&store.program(), arguments, 200, &[]);
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{text:?}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&store.run(&["show", &visitor.id, "--json"]).out).expect("it is JSON");
    assert_eq!(json["user"], user);
    assert_eq!(json["data"]["\u{1b}[31m"], "\u{9b}2J");
}

#[test]
fn errors_are_red_on_a_terminal_unless_colours_are_unwanted() {
    let program = Program::with(&[("SESSION_ENGINE", "dbb")]);
    let said = |program: &Program| Screen::start(program.command(&["list"]), 200).ended().1;
    let line = "SESSION_ENGINE: \"dbb\" is none of db, cache, cached_db, file, signed_cookies\n";
    assert_eq!(said(&program), format!("\u{1b}[31mcloakroom:\u{1b}[0m {line}"));
    let plain = Program::with(&[("SESSION_ENGINE", "dbb"), ("NO_COLOR", "1")]);
    assert_eq!(said(&plain), format!("cloakroom: {line}"));
}
