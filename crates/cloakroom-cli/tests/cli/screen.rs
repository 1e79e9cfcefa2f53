//! A terminal: the program believes that a person is looking.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program on a terminal.
pub(crate) struct Screen {
    child: Child,
    seen: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: JoinHandle<()>,
}

impl Screen {
    /// Starts it on a terminal of so many columns.
    pub(crate) fn start(mut command: Command, columns: u16) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("the right to it");
        unlockpt(&terminal).expect("it is unlocked");
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).expect("its size");
        let name = ptsname(&terminal, Vec::new()).expect("its name").into_string().expect("in UTF-8");
        let program = File::options().read(true).write(true).open(name).expect("its other end");
        let end = |file: &File| Stdio::from(file.try_clone().expect("another handle"));
        command.stdin(end(&program)).stdout(end(&program)).stderr(end(&program));
        let child = command.spawn().expect("the program starts");
        // What holds the other end now is the program alone: once it ends, reading does.
        drop((command, program));
        let seen = Arc::new((Mutex::default(), Condvar::new()));
        let reader = std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || keep_reading(terminal, &seen)
        });
        Self { child, seen, reader }
    }

    /// Waits until something is on it.
    pub(crate) fn wait_for(&self, text: &str) {
        let (seen, more) = &*self.seen;
        let shows = |seen: &mut Vec<u8>| !String::from_utf8_lossy(seen).contains(text);
        let guard = seen.lock().expect("no reader panics");
        let (guard, waited) = more.wait_timeout_while(guard, PATIENCE, shows).expect("no reader panics");
        assert!(!waited.timed_out(), "{text:?} is not in {:?}", String::from_utf8_lossy(&guard));
    }

    /// `kill -s`
    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("it has an id");
        kill_process(id, signal).expect("it runs");
    }

    /// Waits for its end: how it ended, and all that was ever on the screen.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("it ends");
        self.reader.join().expect("no reader panics");
        let seen = self.seen.0.lock().expect("no reader panics");
        (status, String::from_utf8_lossy(&seen).replace("\r\n", "\n"))
    }
}

fn keep_reading(terminal: OwnedFd, seen: &(Mutex<Vec<u8>>, Condvar)) {
    let (mut terminal, mut buffer) = (File::from(terminal), [0; 4096]);
    // Once the other end is closed reading fails.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        seen.0.lock().expect("no waiter panics").extend_from_slice(&buffer[..read]);
        seen.1.notify_all();
    }
}
