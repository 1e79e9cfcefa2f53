//! All that can happen to a connection, one thing at a time.

use std::{
    sync::{
        Arc,
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

/// A proxy that misbehaves again and again, until this is dropped: then it flows.
#[derive(Debug)]
pub struct Storm {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it did not survive, its proxy does not show either.
            let _ = thread.join();
        }
    }
}

impl Proxy {
    /// Misbehaves as [`misbehave`](Proxy::misbehave) does, one thing after the other, in a thread of its own.
    pub fn storm(self: &Arc<Self>, mut draw: impl FnMut(u64) -> u64 + Send + 'static) -> Storm {
        let over = Arc::new(AtomicBool::new(false));
        let (proxy, ends) = (Arc::clone(self), Arc::clone(&over));
        let thread = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                proxy.misbehave(&mut draw);
            }
        });
        Storm { over, thread: Some(thread) }
    }

    /// Lets something happen, and then flows again. `draw` decides what, and when: it answers with a number below the
    /// one that it is given.
    pub fn misbehave(&self, mut draw: impl FnMut(u64) -> u64) {
        let mut wait = |most| thread::sleep(Duration::from_micros(draw(most)));
        wait(10_000);
        match draw(90) {
            0..=14 => self.cut(),
            15..=29 => self.breaks(|proxy| proxy.halve(Direction::Answers)),
            30..=44 => self.breaks(|proxy| proxy.halve(Direction::Requests)),
            45..=55 => {
                let bytes = usize::try_from(draw(3_000)).unwrap_or_default();
                self.breaks(|proxy| proxy.cut_after(bytes, Direction::Answers));
            }
            56..=66 => {
                let bytes = usize::try_from(draw(3_000)).unwrap_or_default();
                self.breaks(|proxy| proxy.cut_after(bytes, Direction::Requests));
            }
            67..=74 => {
                self.refuse();
                self.cut();
                thread::sleep(Duration::from_micros(draw(100_000)));
            }
            75..=88 => {
                self.stall();
                thread::sleep(Duration::from_micros(draw(100_000)));
                if draw(2) == 0 {
                    self.cut();
                }
            }
            _ => {
                self.stall();
                thread::sleep(LONG);
            }
        }
        self.flow();
    }

    fn breaks(&self, arm: impl FnOnce(&Self)) {
        arm(self);
        let mut patience = Patience::of(ARMED);
        while self.is_armed() && patience.wait() {}
    }
}
