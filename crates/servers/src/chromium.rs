//! Chromium without a screen, driven over WebDriver.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::{
    Result,
    folder::Folder,
    port,
    process::{Ending, Process},
    programs,
};

/// Longer than the driver, which only listens, takes for a word.
const ANSWER: Duration = Duration::from_secs(2);

/// What the browser is started with, its profile aside. It talks to this machine alone, where each name that ends in
/// `.test` is a site of its own.
const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    // Its sandbox refuses root, and needs more of the kernel than a container has. All it is shown is our own.
    "--no-sandbox",
    "--disable-gpu",
    // Containers keep /dev/shm small.
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, \
     EXCLUDE 127.0.0.1",
];

/// A driver of one's own, and a profile for the browser that it starts when it is asked for a session: what the browser
/// keeps between two sessions is in the profile. Dropping it ends both and removes the profile.
#[derive(Debug)]
pub struct Chromium {
    port: u16,
    process: Process,
    // After the process: it waits for what is left in it.
    folder: Folder,
}

impl Chromium {
    /// What it needs to start.
    pub const PROGRAMS: &[&'static str] = &["chromium", "chromedriver"];

    /// Starts a driver, with a profile that is not there yet, and waits until it takes commands.
    ///
    /// # Errors
    ///
    /// `Missing` without its programs, `Server` with its log if it does not start.
    pub fn start() -> Result<Self> {
        port::retrying(Self::attempt)
    }

    fn attempt() -> Result<Self> {
        // Without it the driver would start, and fail only when a browser is asked for.
        programs::find("chromium")?;
        let folder = Folder::new()?;
        let port = port::free()?;
        let program = programs::find("chromedriver")?;
        let listen = format!("--port={port}");
        let mut process = Process::start(&folder, "chromedriver.log", &program, &[&listen], Ending::Kill)?;
        process.ready("chromedriver", |_| answers(port))?;
        Ok(Self { port, process, folder })
    }

    /// `http://127.0.0.1:PORT`: where it takes WebDriver's commands.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What to ask a session with, as `goog:chromeOptions`: the browser's program and its arguments.
    ///
    /// # Errors
    ///
    /// `Missing` without the program.
    pub fn options(&self) -> Result<(String, Vec<String>)> {
        let program = programs::find("chromium")?.display().to_string();
        let profile = format!("--user-data-dir={}", self.folder.join("profile").display());
        Ok((program, ARGUMENTS.iter().map(|argument| (*argument).to_owned()).chain([profile]).collect()))
    }

    /// The number of the driver's process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// It says so itself when it is ready, and leaves the connection open, whatever it is asked.
fn answers(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let mut answer = [0; 1 << 10];
    stream.set_read_timeout(Some(ANSWER)).is_ok()
        && stream.write_all(b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").is_ok()
        && stream
            .read(&mut answer)
            .is_ok_and(|read| String::from_utf8_lossy(&answer[..read]).contains("\"ready\":true"))
}
