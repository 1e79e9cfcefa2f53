//! Who reads what is printed may leave, and the disk may be full.

use std::fs::File;
use std::process::Stdio;

use crate::{Outcome, Store};

#[tokio::test]
async fn who_reads_no_further_ends_the_program_quietly() {
    let store = Store::sqlite().migrated().await;
    let visitor = store.visit(Some("alice"), &[]).await;
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["show", &visitor.id],
        &["clear-expired"],
        &["check"],
        &["migrate"],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["revoke", "--user", "alice"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = store.program().command(arguments);
        command.stdout(writer).stderr(Stdio::piped());
        let Outcome { code, err, .. } = Outcome::of_started(command);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_disk_that_is_full_is_no_success() {
    let store = Store::sqlite().migrated().await;
    store.visit(Some("alice"), &[]).await;
    for arguments in [&["list"][..], &["clear-expired", "--json"], &["completions", "bash"]] {
        let full = File::options().write(true).open("/dev/full").expect("a full disk");
        let mut command = store.program().command(arguments);
        command.stdout(full).stderr(Stdio::piped());
        let outcome = Outcome::of_started(command);
        let line = "standard output: No space left on device (os error 28)";
        assert_eq!(outcome, Outcome::refused(1, line), "{arguments:?}");
    }
}
