//! The program itself, on free ports, with the Django that tests are given.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::Visitor;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Both sides, running. Dropping it kills the one that was started, which is to end the other.
pub(crate) struct Demo {
    child: Child,
    out: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    pub(crate) password: String,
    django: SocketAddr,
}

impl Demo {
    pub(crate) async fn start() -> Self {
        let python =
            std::env::var("DJANGO_52_PYTHON").expect("DJANGO_52_PYTHON: `cargo xtask servers` prints it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_beside-django-demo"));
        command.env("BIND", "127.0.0.1:0").env("DJANGO_PYTHON", python).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program");
        let mut out = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let (mut first, mut second) = (String::new(), String::new());
        for line in [&mut first, &mut second] {
            timeout(PATIENCE, out.read_line(line)).await.expect("a line in time").expect("a line");
        }
        let address = first.trim().strip_prefix("beside-django-demo: http://").expect("its address");
        let password = second.split('"').nth(3).expect("a password").to_owned();
        let django = second.trim().trim_end_matches('.').rsplit("http://").next().expect("Django's address");
        let (address, django) = (address.parse().expect("an address"), django.parse().expect("an address"));
        Self { child, out, address, password, django }
    }

    /// Somebody who was never here.
    pub(crate) fn visitor(&self) -> Visitor {
        Visitor::of(self.address)
    }

    /// Sends a signal by its name, and waits for the end: whether it was one without complaint.
    pub(crate) async fn ended_by(&mut self, signal: &str) -> bool {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().await.expect("kill");
        assert!(sent.success());
        timeout(PATIENCE, self.child.wait()).await.expect("an end in time").expect("an end").success()
    }

    /// Waits until Django listens no more.
    pub(crate) async fn django_is_gone(&mut self) {
        let gone = async {
            while TcpStream::connect(self.django).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, gone).await.expect("it ends with its owner");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).await.expect("its output");
        assert_eq!(rest, "", "the two lines are all");
    }
}
