//! The way to a server, which can break.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crate::{Result, error::during, patience::Patience};

/// How long those who hold connections have to end them.
const SETTLED: Duration = Duration::from_secs(10);

/// A way that a connection's bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// To the server.
    Requests,
    /// From the server.
    Answers,
}

/// Stands before a server, on a free port of 127.0.0.1, and forwards what comes until it is told otherwise. Dropping it
/// ends all its connections.
///
/// ```no_run
/// # fn main() -> cloakroom_servers::Result<()> {
/// # let server: std::net::SocketAddr = ([127, 0, 0, 1], 5432).into();
/// let proxy = cloakroom_servers::Proxy::before(server)?;
/// println!("{}", proxy.address()); // where clients connect to
/// proxy.halve(cloakroom_servers::Direction::Answers); // the next answer comes by half, and then nothing
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
}

/// What all connections share.
#[derive(Debug)]
struct Line {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stalled: bool,
    refusing: bool,
    closed: bool,
    /// Where the next connection breaks.
    fault: Option<(Direction, Fault)>,
    /// Those that are open, both ends of each.
    open: Vec<(u64, TcpStream, TcpStream)>,
    made: u64,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// In the middle of the next piece that comes.
    Halfway,
    /// When so many more bytes have gone through, on whatever connections.
    After(usize),
}

impl Proxy {
    /// Listens, and leads to a server, which need not be there yet.
    ///
    /// # Errors
    ///
    /// `Io` if no port is free.
    pub fn before(server: SocketAddr) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(during("no port is free on 127.0.0.1"))?;
        let address = listener.local_addr().map_err(during("a port has no number"))?;
        let line = Arc::new(Line { server, state: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&line);
        thread::spawn(move || accepting.accept(&listener));
        Ok(Self { address, line })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections at once: by RST where something has come that was not forwarded, as in a stall, else by
    /// FIN. New ones can be made.
    pub fn cut(&self) {
        self.line.cut(|_| true);
    }

    /// Accepts and keeps connections, and forwards nothing.
    pub fn stall(&self) {
        self.line.change(|state| state.stalled = true);
    }

    /// Closes new connections at once. Those that are open stay.
    pub fn refuse(&self) {
        self.line.change(|state| state.refusing = true);
    }

    /// Forwards everything from now on, also what has waited, and forgets what was to break.
    pub fn flow(&self) {
        self.line.change(|state| (state.stalled, state.refusing, state.fault) = (false, false, None));
    }

    /// Forwards half of the next piece that comes in a direction, and ends the connection that it came on.
    pub fn halve(&self, direction: Direction) {
        self.line.change(|state| state.fault = Some((direction, Fault::Halfway)));
    }

    /// Forwards so many bytes more in a direction, and ends the connection that has the last of them.
    pub fn cut_after(&self, bytes: usize, direction: Direction) {
        self.line.change(|state| state.fault = Some((direction, Fault::After(bytes))));
    }

    /// Whether something that was to break has not broken yet.
    pub fn is_armed(&self) -> bool {
        self.line.state().fault.is_some()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.line.state().open.len()
    }

    /// Waits until no more than so many are open, and says whether it came to that in 10 s.
    #[must_use]
    pub fn settles(&self, most: usize) -> bool {
        let mut patience = Patience::of(SETTLED);
        while self.connections() > most {
            if !patience.wait() {
                return false;
            }
        }
        true
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.change(|state| state.closed = true);
        self.cut();
        // Its thread waits for somebody to come.
        let _ = TcpStream::connect(self.address);
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let (closed, refusing) = {
                let state = self.state();
                (state.closed, state.refusing)
            };
            if closed {
                return;
            }
            // A server that is dead refuses, and so does this.
            if let (Ok(client), false) = (client, refusing) {
                let _ = self.connect(client);
            }
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ends = [client.try_clone()?, server.try_clone()?];
        let back = [server.try_clone()?, client.try_clone()?];
        let number = {
            let mut state = self.state();
            // What has ended all others, or will not have new ones, came when this one was not to be seen yet.
            if state.closed || state.refusing {
                return Ok(());
            }
            state.made += 1;
            let number = state.made;
            state.open.push((number, client, server));
            number
        };
        for (direction, [from, to]) in [(Direction::Requests, ends), (Direction::Answers, back)] {
            let line = Arc::clone(self);
            thread::spawn(move || {
                line.forward(number, direction, from, to);
                line.cut(|other| other == number);
            });
        }
        Ok(())
    }

    /// Forwards until either end closes, or the connection is to break.
    fn forward(&self, number: u64, direction: Direction, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = vec![0; 1 << 16];
        // What waits is left with the system: a connection that is closed over it ends by RST.
        while from.peek(&mut piece[..1]).is_ok_and(|there| there > 0) {
            if !self.waits_until_it_flows(number) {
                return;
            }
            let Ok(length @ 1..) = from.read(&mut piece) else { return };
            let whole = self.goes_through(direction, length);
            if to.write_all(&piece[..whole.unwrap_or(length)]).is_err() || whole.is_some() {
                return;
            }
        }
    }

    /// Says whether the connection is still there then.
    fn waits_until_it_flows(&self, number: u64) -> bool {
        let is_open = |state: &State| state.open.iter().any(|(open, ..)| *open == number);
        let state = self
            .changed
            .wait_while(self.state(), |state| state.stalled && is_open(state))
            .unwrap_or_else(PoisonError::into_inner);
        is_open(&state)
    }

    /// How much of a piece goes through, if the connection breaks in it.
    fn goes_through(&self, direction: Direction, length: usize) -> Option<usize> {
        let mut state = self.state();
        let (which, fault) = state.fault.as_mut()?;
        if *which != direction {
            return None;
        }
        let whole = match fault {
            Fault::Halfway => length / 2,
            Fault::After(left) if *left > length => {
                *left -= length;
                return None;
            }
            Fault::After(left) => *left,
        };
        state.fault = None;
        Some(whole)
    }

    fn cut(&self, which: impl Fn(u64) -> bool) {
        let mut state = self.state();
        let ended: Vec<_> = state.open.extract_if(.., |(number, ..)| which(*number)).collect();
        // To shut down both would be a FIN. Once nobody reads, what is closed over something unread is a reset.
        let how = if state.stalled { Shutdown::Read } else { Shutdown::Both };
        drop(state);
        for (_, client, server) in ended {
            // Whoever reads there is woken, and closes its own.
            let _ = client.shutdown(how);
            let _ = server.shutdown(how);
        }
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    /// A server that sends back what it gets, and what stands before it.
    fn echo() -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::before(listener.local_addr().unwrap()).unwrap();
        thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                thread::spawn(move || std::io::copy(&mut client.try_clone().unwrap(), &mut client));
            }
        });
        proxy
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let client = TcpStream::connect(proxy.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client
    }

    /// What comes back, until the connection ends.
    fn rest(mut client: &TcpStream) -> Vec<u8> {
        let mut all = Vec::new();
        let mut piece = [0; 16];
        while let Ok(length @ 1..) = client.read(&mut piece) {
            all.extend(&piece[..length]);
        }
        all
    }

    fn answers(mut client: &TcpStream) -> bool {
        let mut answer = [0; 4];
        client.write_all(b"ping").is_ok() && client.read_exact(&mut answer).is_ok() && &answer == b"ping"
    }

    /// Nothing comes, and the connection is open.
    fn is_silent(client: &TcpStream) -> bool {
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let answer = client.peek(&mut [0]);
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        answer.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    #[test]
    fn what_is_sent_goes_both_ways_and_connections_are_counted() {
        let proxy = echo();
        let clients = [client(&proxy), client(&proxy)];
        assert!(clients.iter().all(answers));
        assert_eq!(proxy.connections(), 2);
    }

    #[test]
    fn a_cut_ends_all_connections_and_new_ones_can_be_made() {
        let proxy = echo();
        let clients = [client(&proxy), client(&proxy)];
        assert!(clients.iter().all(answers));
        proxy.cut();
        assert!(!clients.iter().any(answers));
        assert_eq!(proxy.connections(), 0);
        assert!(answers(&client(&proxy)));
    }

    #[test]
    fn in_a_stall_nothing_comes_and_then_everything() {
        let proxy = echo();
        let before = client(&proxy);
        assert!(answers(&before));
        proxy.stall();
        let during = client(&proxy);
        for mut client in [&before, &during] {
            client.write_all(b"late").unwrap();
            assert!(is_silent(client));
        }
        proxy.flow();
        for mut client in [&before, &during] {
            let mut answer = [0; 4];
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"late");
        }
    }

    #[test]
    fn a_cut_in_a_stall_is_a_reset() {
        let proxy = echo();
        let mut client = client(&proxy);
        assert!(answers(&client));
        proxy.stall();
        client.write_all(b"lost").unwrap();
        assert!(is_silent(&client));
        proxy.cut();
        assert_eq!(client.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        proxy.flow();
        assert!(!answers(&client));
    }

    #[test]
    fn half_an_answer_comes_and_then_the_end() {
        let proxy = echo();
        let [mut first, second] = [client(&proxy), client(&proxy)];
        assert!(answers(&first) && answers(&second));
        proxy.halve(Direction::Answers);
        assert!(proxy.is_armed());
        first.write_all(b"123456").unwrap();
        assert_eq!(rest(&first), b"123");
        assert!(!proxy.is_armed() && answers(&second), "it is over with the one");
    }

    #[test]
    fn a_request_ends_after_so_many_bytes() {
        let proxy = echo();
        let mut client = client(&proxy);
        proxy.cut_after(6, Direction::Requests);
        assert!(answers(&client));
        client.write_all(b"1234").unwrap();
        // What the server has heard it may not have answered.
        assert!(b"12".starts_with(&rest(&client)));
    }

    #[test]
    fn new_connections_are_closed_while_it_refuses_and_old_ones_stay() {
        let proxy = echo();
        let old = client(&proxy);
        assert!(answers(&old));
        proxy.refuse();
        assert!(answers(&old) && !answers(&client(&proxy)));
        proxy.flow();
        assert!(answers(&client(&proxy)));
    }

    /// What the proxy accepts, and the client that it comes from.
    fn accepted() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn a_connection_that_is_being_made_is_closed_if_it_refuses_meanwhile() {
        let proxy = echo();
        let (accepted, client) = accepted();
        proxy.refuse();
        proxy.cut();
        proxy.line.connect(accepted).unwrap();
        assert!(!answers(&client) && proxy.connections() == 0);
    }

    #[test]
    fn a_connection_that_is_being_made_does_not_outlive_the_proxy() {
        let proxy = echo();
        let (accepted, client) = accepted();
        let line = Arc::clone(&proxy.line);
        drop(proxy);
        line.connect(accepted).unwrap();
        assert!(!answers(&client));
    }

    #[test]
    fn who_closes_one_end_has_closed_the_other() {
        let proxy = echo();
        let client = client(&proxy);
        assert!(answers(&client));
        drop(client);
        assert!(proxy.settles(0), "it stays open");
    }
}
