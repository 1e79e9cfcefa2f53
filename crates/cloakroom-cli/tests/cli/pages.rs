//! Help, completions and manual pages.

use crate::{Outcome, Program};

const COMMANDS: [&str; 11] = [
    "migrate",
    "clear-expired",
    "list",
    "show",
    "delete",
    "revoke",
    "copy",
    "decode",
    "check",
    "completions",
    "man",
];

#[test]
fn help_names_every_command_and_where_settings_come_from() {
    let Outcome { code, out, err } = Program::with(&[]).run(&["--help"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for text in COMMANDS.iter().chain(&["clearsessions", "--json", "CLOAKROOM_CONFIG"]) {
        assert!(out.contains(text), "{text}: {out}");
    }
}

/// Whatever the settings are.
#[test]
fn completions_and_manual_pages_need_no_settings() {
    let program = Program::with(&[("SESSION_ENGINE", "none")]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let Outcome { code, out, err } = program.run(&["completions", shell]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{shell}");
        assert!(COMMANDS.iter().all(|command| out.contains(command)), "{shell}");
    }
    let Outcome { code, out, err } = program.run(&["man"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.contains(".TH cloakroom 1"), "{out}");
}

#[test]
fn manual_pages_of_all_commands_are_written_into_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().to_str().expect("a path in UTF-8");
    assert_eq!(Program::with(&[]).run(&["man", dir]), Outcome::done(""));
    for command in COMMANDS {
        let page = folder.path().join(format!("cloakroom-{command}.1"));
        assert!(crate::store::is_there(&page), "{}", page.display());
    }
    let missing = format!("{dir}/missing");
    let line = format!("{missing}: No such file or directory (os error 2)");
    assert_eq!(Program::with(&[]).run(&["man", &missing]), Outcome::refused(1, &line));
}
