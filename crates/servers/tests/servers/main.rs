//! Each server as its users meet it: it answers, it survives what it says it survives, and it leaves nothing behind.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod chromium;
mod cluster;
mod gone;
mod mariadb;
mod postgres;
mod redis;
mod sentinel;

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a program prints, if it succeeds within ten seconds.
fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("timeout").args(["10", program]).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Waits until something is true, and says whether it became so.
fn soon(is: impl Fn() -> bool) -> bool {
    let until = Instant::now() + Duration::from_secs(15);
    while !is() {
        if Instant::now() > until {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}
