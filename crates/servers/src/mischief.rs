//! All that can happen to a connection, one thing at a time.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{Direction, Proxy, patience::Patience};

/// How long something that is to break is waited for.
const ARMED: Duration = Duration::from_millis(200);
/// Longer than clients wait for an answer.
const LONG: Duration = Duration::from_millis(5_500);

/// What happens, and how often beside the others. The last one costs whoever meets it all their patience.
const MISHAPS: [(u64, Mishap); 8] = [
    (15, Mishap::Cut),
    (15, Mishap::Half(Direction::Answers)),
    (15, Mishap::Half(Direction::Requests)),
    (11, Mishap::Within(Direction::Answers)),
    (11, Mishap::Within(Direction::Requests)),
    (8, Mishap::Refusal),
    (14, Mishap::Stall),
    (1, Mishap::LongStall),
];

/// One thing that happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mishap {
    Cut,
    Half(Direction),
    /// Within the next bytes, wherever that is.
    Within(Direction),
    Refusal,
    Stall,
    LongStall,
}

impl Mishap {
    /// By weight.
    fn drawn(draw: impl FnOnce(u64) -> u64) -> Self {
        let mut left = draw(MISHAPS.iter().map(|(weight, _)| weight).sum());
        for (weight, mishap) in MISHAPS {
            if left < weight {
                return mishap;
            }
            left -= weight;
        }
        Self::Cut
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cut => "a cut",
            Self::Half(Direction::Answers) => "half an answer",
            Self::Half(Direction::Requests) => "half a request",
            Self::Within(Direction::Answers) => "a cut within answers",
            Self::Within(Direction::Requests) => "a cut within requests",
            Self::Refusal => "new connections refused",
            Self::Stall => "a stall",
            Self::LongStall => "a long stall",
        }
    }
}

/// A proxy that misbehaves again and again, until this is dropped: then it flows.
#[derive(Debug)]
pub struct Storm {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<usize>>,
}

impl Storm {
    /// Ends it, and says how often something has happened.
    pub fn ends(mut self) -> usize {
        self.abate()
    }

    fn abate(&mut self) -> usize {
        self.over.store(true, Ordering::Relaxed);
        // What it did not survive, its proxy does not show either.
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.abate();
    }
}

impl Proxy {
    /// Misbehaves as [`misbehave`](Proxy::misbehave) does, one thing after the other, in a thread of its own.
    pub fn storm(self: &Arc<Self>, mut draw: impl FnMut(u64) -> u64 + Send + 'static) -> Storm {
        let over = Arc::new(AtomicBool::new(false));
        let (proxy, ends) = (Arc::clone(self), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut happened = 0;
            while !ends.load(Ordering::Relaxed) {
                happened += usize::from(proxy.misbehave(&mut draw).is_some());
            }
            happened
        });
        Storm { over, thread: Some(thread) }
    }

    /// Storms, one for each call, that draw as what `another` gives them.
    pub fn storms<A, D>(self: &Arc<Self>, another: A) -> impl Fn() -> Storm + use<A, D>
    where
        A: FnMut() -> D,
        D: FnMut(u64) -> u64 + Send + 'static,
    {
        let (proxy, another) = (Arc::clone(self), Mutex::new(another));
        move || proxy.storm(another.lock().unwrap_or_else(PoisonError::into_inner)())
    }

    /// Lets something happen, and then flows again. `draw` decides what, and when: it answers with a number below the
    /// one that it is given. Says what happened: nothing, if there was no connection, or none that had something to
    /// break in time.
    pub fn misbehave(&self, mut draw: impl FnMut(u64) -> u64) -> Option<&'static str> {
        pause(draw(10_000));
        let mishap = Mishap::drawn(&mut draw);
        let met = self.connections() > 0;
        let happened = match mishap {
            Mishap::Cut => {
                self.cut();
                met
            }
            Mishap::Half(direction) => self.breaks(|proxy| proxy.halve(direction)),
            Mishap::Within(direction) => {
                let bytes = usize::try_from(draw(3_000)).unwrap_or_default();
                self.breaks(|proxy| proxy.cut_after(bytes, direction))
            }
            Mishap::Refusal => {
                self.refuse();
                self.cut();
                pause(draw(100_000));
                met
            }
            Mishap::Stall => {
                self.stall();
                pause(draw(100_000));
                if draw(2) == 0 {
                    self.cut();
                }
                met
            }
            Mishap::LongStall => {
                self.stall();
                thread::sleep(LONG);
                met
            }
        };
        self.flow();
        happened.then(|| mishap.name())
    }

    /// Says whether it broke.
    fn breaks(&self, arm: impl FnOnce(&Self)) -> bool {
        arm(self);
        let mut patience = Patience::of(ARMED);
        while self.is_armed() && patience.wait() {}
        !self.is_armed()
    }
}

fn pause(micros: u64) {
    thread::sleep(Duration::from_micros(micros));
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        io::Write,
        net::{Ipv4Addr, TcpListener, TcpStream},
    };

    use super::*;

    /// Draws a mishap by its place among all that can be drawn, and otherwise the least.
    fn chosen(place: u64) -> impl FnMut(u64) -> u64 {
        let mut drawn = 0;
        move |_| {
            drawn += 1;
            if drawn == 2 { place } else { 0 }
        }
    }

    #[test]
    fn each_mishap_is_drawn_as_often_as_it_weighs() {
        let drawn: Vec<Mishap> = (0..90).map(|place| Mishap::drawn(|_| place)).collect();
        for (weight, mishap) in MISHAPS {
            assert_eq!(drawn.iter().filter(|drawn| **drawn == mishap).count() as u64, weight, "{mishap:?}");
        }
        let names: BTreeSet<_> = drawn.into_iter().map(Mishap::name).collect();
        assert_eq!(names.len(), MISHAPS.len());
    }

    #[test]
    fn where_nobody_is_nothing_happens() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::before(server.local_addr().unwrap()).unwrap();
        for place in [0, 15, 30, 45, 56, 67, 75] {
            assert_eq!(proxy.misbehave(chosen(place)), None, "{place}");
        }
    }

    #[test]
    fn a_storm_counts_what_has_happened_and_nothing_else() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Arc::new(Proxy::before(server.local_addr().unwrap()).unwrap());
        let _client = TcpStream::connect(proxy.address()).unwrap();
        let _accepted = server.accept().unwrap();
        while proxy.connections() == 0 {
            thread::yield_now();
        }
        let cutting = proxy.storm(|_| 0);
        assert!(proxy.settles(0));
        assert_eq!(cutting.ends(), 1, "there was one connection to cut");
    }

    #[test]
    fn what_breaks_is_told_and_what_has_nothing_to_break_did_not_happen() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::before(server.local_addr().unwrap()).unwrap();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let mut accepted = server.accept().unwrap().0;
        assert_eq!(proxy.misbehave(chosen(30)), None, "nothing is sent");
        let sending = thread::spawn(move || while client.write_all(b"request").is_ok() {});
        let reading = thread::spawn(move || std::io::copy(&mut accepted, &mut std::io::sink()));
        assert_eq!(proxy.misbehave(chosen(15)), None, "nothing is answered");
        assert_eq!(proxy.misbehave(chosen(30)), Some("half a request"));
        sending.join().unwrap();
        // However it ended.
        let _ = reading.join().unwrap();
    }
}
