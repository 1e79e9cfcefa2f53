//! A browser and its driver.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use cloakroom_servers::Chromium;

use crate::soon;

/// Asks the driver for a session, and answers with what it says.
pub(crate) fn opened(chromium: &Chromium) -> String {
    let (program, arguments) = chromium.options().unwrap();
    let options = format!("{{\"binary\": {program:?}, \"args\": {arguments:?}}}");
    let body = format!("{{\"capabilities\": {{\"alwaysMatch\": {{\"goog:chromeOptions\": {options}}}}}}}");
    let mut stream = TcpStream::connect(chromium.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(
        stream,
        "POST /session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = [0; 1 << 14];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// The processes that work in the folder of another.
fn beside(process: u32) -> Vec<String> {
    let folder = |process: &str| fs::read_link(format!("/proc/{process}/cwd")).ok();
    let here = folder(&process.to_string()).unwrap();
    let all = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    all.filter(|name| folder(name).is_some_and(|folder| folder == here)).collect()
}

#[test]
#[ignore = "starts a browser: cargo xtask test runs it"]
fn nothing_is_left_of_a_browser_whose_driver_was_dropped() {
    let chromium = Chromium::start().unwrap();
    let answer = opened(&chromium);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("sessionId"), "{answer}");
    let folder = fs::read_link(format!("/proc/{}/cwd", chromium.id())).unwrap();
    let processes = beside(chromium.id());
    assert!(processes.len() > 4, "a driver, a browser and those that it has for its tabs: {processes:?}");
    assert!(folder.join("profile").exists());
    drop(chromium);
    assert!(!folder.exists());
    // A process that has ended works nowhere.
    let left = || processes.iter().filter(|process| fs::read_link(format!("/proc/{process}/cwd")).is_ok());
    assert!(soon(|| left().count() == 0), "{:?}", left().collect::<Vec<_>>());
}
