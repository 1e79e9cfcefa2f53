//! Ctrl-C and SIGTERM: the command ends between two of its steps.

use std::future;
use std::io;
use std::task::Poll;

/// What has been asked of this process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) number: u8,
    pub(crate) name: &'static str,
}

const INTERRUPT: Signal = Signal { number: 2, name: "interrupted" };
#[cfg(unix)]
const TERMINATE: Signal = Signal { number: 15, name: "terminated" };

/// Listens from now on; the future is there when a signal is.
///
/// # Errors
///
/// The operating system's, if it has no handler to give.
#[cfg(unix)]
pub(crate) fn listen() -> io::Result<impl Future<Output = Signal>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(future::poll_fn(move |context| {
        if interrupt.poll_recv(context).is_ready() {
            return Poll::Ready(INTERRUPT);
        }
        terminate.poll_recv(context).map(|_| TERMINATE)
    }))
}

#[cfg(not(unix))]
pub(crate) fn listen() -> io::Result<impl Future<Output = Signal>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            future::pending::<()>().await;
        }
        INTERRUPT
    })
}
