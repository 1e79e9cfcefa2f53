//! In which order requests go on, and what happens to them: the half of a history that all searches share.

use std::fmt;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use cloakroom_core::ManualClock;
use proptest::prelude::*;
use proptest::sample::select;

use super::stage::{Act, Gates, Stage};
use crate::Fault;

/// While all wait for the clock, it moves on by as much.
const TICK: Duration = Duration::from_millis(250);
/// Nobody waits for more ticks: twenty times as long as anything may take.
const MOST_TICKS: u32 = 400;

/// What happens next. Who waits is counted anew each time.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// One of those that wait takes its next step.
    Go(u8),
    /// All that wait take their next steps at once.
    Together,
    /// The same, and its next calls fail.
    Fail(u8, Vec<Mishap>),
    /// The future of one is dropped where it waits.
    Cut(u8),
    /// The same, in the middle of its next step.
    CutAtWork(u8),
    /// So many milliseconds pass.
    Pass(u32),
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mishap {
    Refused,
    RequestLost,
    ReplyLost,
    Silent,
    SilentWhenDone,
}

/// What may go wrong in a search.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Faults {
    /// Nothing: requests get in each other's way, and time passes.
    None,
    /// Calls are refused: surely not done.
    Refusals,
    /// Calls are lost, or their answers are.
    Losses,
    /// Calls never answer, done or not.
    Silence,
    /// Futures are dropped, wherever they wait.
    Cuts,
    /// All of these.
    All,
}

impl Faults {
    fn mishaps(self) -> &'static [Mishap] {
        use Mishap as M;
        match self {
            Self::None | Self::Cuts => &[],
            Self::Refusals => &[M::Refused],
            Self::Losses => &[M::RequestLost, M::ReplyLost],
            Self::Silence => &[M::Silent, M::SilentWhenDone],
            Self::All => &[M::Refused, M::RequestLost, M::ReplyLost, M::Silent, M::SilentWhenDone],
        }
    }
}

impl From<Mishap> for Fault {
    fn from(mishap: Mishap) -> Self {
        match mishap {
            Mishap::Refused => Self::Refuse,
            Mishap::RequestLost => Self::LoseRequest,
            Mishap::ReplyLost => Self::LoseReply,
            Mishap::Silent => Self::Hang,
            Mishap::SilentWhenDone => Self::HangReply,
        }
    }
}

/// Steps in which these faults occur, every fifth or so.
pub(super) fn steps(faults: Faults) -> BoxedStrategy<Vec<Step>> {
    let who = 0..4_u8;
    let mut one = vec![
        (12, who.clone().prop_map(Step::Go).boxed()),
        (5, Just(Step::Together).boxed()),
        (1, select(vec![1_000, 6_000, 40 * 60_000]).prop_map(Step::Pass).boxed()),
    ];
    let mishaps = faults.mishaps();
    if !mishaps.is_empty() {
        let row = prop_oneof![3 => Just(1..2_usize), 1 => Just(2..4)];
        let row = row.prop_flat_map(move |many| prop::collection::vec(select(mishaps), many));
        let failing = (who.clone(), row);
        one.push((4, failing.prop_map(|(who, mishaps)| Step::Fail(who, mishaps)).boxed()));
    }
    if matches!(faults, Faults::Cuts | Faults::All) {
        one.push((1, who.clone().prop_map(Step::Cut).boxed()));
        one.push((1, who.prop_map(Step::CutAtWork).boxed()));
    }
    prop::collection::vec(prop::strategy::Union::new_weighted(one), 0..60).boxed()
}

/// Performs the acts on the stage, step by step, and lets them come to their ends in turn after the last. `cut` says what
/// follows on an act that was cut.
///
/// # Errors
///
/// If somebody waits for what never comes.
pub(super) async fn perform<'a>(
    stage: &mut Stage<'a>,
    gates: &Gates,
    clock: &ManualClock,
    steps: &[Step],
    mut cut: impl FnMut(usize) -> Option<Act<'a>>,
) -> Result<(), String> {
    for step in steps {
        stage.settle().await;
        let waiting = gates.waiting();
        let chosen = |who: u8| waiting.get(usize::from(who) % waiting.len().max(1)).copied();
        match step {
            Step::Pass(span) => clock.advance(Duration::from_millis((*span).into())),
            Step::Together => waiting.iter().for_each(|act| gates.open(*act, None)),
            Step::Go(who) => chosen(*who).into_iter().for_each(|act| gates.open(act, None)),
            Step::Fail(who, mishaps) => {
                if let Some(act) = chosen(*who) {
                    gates.open(act, mishaps.iter().map(|mishap| (*mishap).into()));
                }
            }
            Step::Cut(who) => chosen(*who).into_iter().for_each(|act| stage.replace(act, cut(act))),
            Step::CutAtWork(who) => {
                let Some(act) = chosen(*who) else { continue };
                gates.open(act, None);
                poll_fn(|context| Poll::Ready(stage.poll(context))).await;
                stage.replace(act, cut(act));
            }
        }
    }
    let mut ticks = 0;
    loop {
        stage.settle().await;
        if stage.is_empty() {
            return Ok(());
        }
        if let Some(act) = gates.waiting().first() {
            gates.open(*act, None);
        } else if ticks < MOST_TICKS {
            ticks += 1;
            clock.advance(TICK);
        } else {
            return Err("somebody waits for ever".to_owned());
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Go(who) => write!(f, "go {who}"),
            Self::Together => f.write_str("all go"),
            Self::Fail(who, mishaps) => write!(f, "go {who}, {mishaps:?}"),
            Self::Cut(who) => write!(f, "cut {who}"),
            Self::CutAtWork(who) => write!(f, "cut {who} at work"),
            Self::Pass(span) => write!(f, "{span} ms pass"),
        }
    }
}
