//! When a session ends: what it was told itself, and what holds for all of them.

use std::time::{Duration, SystemTime};

use crate::Timestamp;
use crate::content::Head;

/// Browsers keep no cookie for longer (RFC 6265bis, 5.5).
const LONGEST_COOKIE: Duration = Duration::from_hours(400 * 24);

/// When one session ends, as [`Session::set_expiry`](crate::Session::set_expiry) sets it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Expiry {
    /// As [`Lifetime`] says for all sessions.
    #[default]
    Default,
    /// So long after its last change: each change starts it anew.
    After(Duration),
    /// At this moment, whatever happens until then.
    At(Timestamp),
    /// When the browser closes, and on the server after [`Lifetime::age`] without a change.
    BrowserClose,
}

impl Expiry {
    /// As Django counts: so many seconds after its last change; 0 is with the browser. Below 0 it has passed: the session
    /// ends with the next commit.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cloakroom_core::Expiry;
    ///
    /// assert_eq!(Expiry::from_secs(300), Expiry::After(Duration::from_secs(300)));
    /// assert_eq!(Expiry::from_secs(0), Expiry::BrowserClose);
    /// assert_eq!(Expiry::from_secs(-5), Expiry::After(Duration::ZERO));
    /// ```
    pub const fn from_secs(seconds: i64) -> Self {
        match seconds {
            0 => Self::BrowserClose,
            #[expect(clippy::cast_sign_loss, reason = "it is positive")]
            1.. => Self::After(Duration::from_secs(seconds as u64)),
            _ => Self::After(Duration::ZERO),
        }
    }
}

impl From<Duration> for Expiry {
    fn from(span: Duration) -> Self {
        Self::After(span)
    }
}

impl From<Timestamp> for Expiry {
    fn from(moment: Timestamp) -> Self {
        Self::At(moment)
    }
}

impl From<SystemTime> for Expiry {
    fn from(moment: SystemTime) -> Self {
        Self::At(moment.into())
    }
}

/// What the browser is told of a session's end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BrowserEnd {
    /// Forget the cookie when the browser closes.
    Close,
    /// Forget it then.
    At(Timestamp),
}

/// How long sessions live that were told nothing else. Deadlines are enforced on the server;
/// the cookie's age is a courtesy.
///
/// ```
/// use std::time::Duration;
/// use cloakroom_core::Lifetime;
///
/// let mut lifetime = Lifetime::default();
/// assert_eq!(lifetime.age, Duration::from_secs(1_209_600));
/// lifetime.idle = Some(Duration::from_secs(900));
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetime {
    /// From the last change to the end. Two weeks.
    pub age: Duration,
    /// Whether the browser forgets the cookie when it closes. No.
    pub at_browser_close: bool,
    /// From the last request to the end: never earlier, at most a tenth later, since activity is
    /// noted only when a tenth has passed. Off.
    pub idle: Option<Duration>,
    /// From the creation, or the login, to the end, whatever else was set. Off.
    pub absolute: Option<Duration>,
}

impl Default for Lifetime {
    /// Django's: two weeks from the last change, without idle and absolute timeout.
    fn default() -> Self {
        Self { age: Duration::from_hours(14 * 24), at_browser_close: false, idle: None, absolute: None }
    }
}

impl Lifetime {
    /// NIST SP 800-63B-4 (2025), section 2.1.3, one factor: 30 days after the login whatever happens. The idle timeout is left to
    /// you. Like the two below, it lets the browser forget the cookie when it closes (section 5.1).
    ///
    /// ```
    /// use cloakroom_core::{Lifetime, Memory, SessionOptions, Sessions};
    ///
    /// let mut options = SessionOptions::default();
    /// options.lifetime = Lifetime::nist_aal2();
    /// let sessions = Sessions::with(Memory::new(), options);
    /// ```
    pub const fn nist_aal1() -> Self {
        Self::nist(Duration::from_hours(30 * 24), None)
    }

    /// NIST SP 800-63B-4, section 2.2.3, two factors: 24 hours after the login, or an hour without a request.
    pub const fn nist_aal2() -> Self {
        Self::nist(Duration::from_hours(24), Some(Duration::from_hours(1)))
    }

    /// NIST SP 800-63B-4, section 2.3.3, a hardware key: 12 hours after the login, or 15 minutes without a request.
    pub const fn nist_aal3() -> Self {
        Self::nist(Duration::from_hours(12), Some(Duration::from_mins(15)))
    }

    const fn nist(overall: Duration, inactivity: Option<Duration>) -> Self {
        let idle = match inactivity {
            // It ends a tenth late at most, and that is what the standard bounds.
            #[expect(clippy::cast_possible_truncation, reason = "an hour at most")]
            Some(bound) => Some(Duration::from_millis((bound.as_millis() * 10 / 11) as u64)),
            None => None,
        };
        Self { age: overall, at_browser_close: true, idle, absolute: Some(overall) }
    }

    /// When a session with this expiry ends that was last changed then; idle and absolute timeout come on top of that.
    pub fn expiry_date(&self, expiry: Expiry, changed_at: Timestamp) -> Timestamp {
        match expiry {
            Expiry::Default | Expiry::BrowserClose => changed_at.plus(self.age),
            Expiry::After(span) => changed_at.plus(span),
            Expiry::At(moment) => moment,
        }
    }

    /// How long after its last change that is; zero if not after it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cloakroom_core::{Expiry, Lifetime, Timestamp};
    ///
    /// let (lifetime, changed_at) = (Lifetime::default(), Timestamp::from_millis(1_700_000_000_000));
    /// let in_a_minute = Expiry::At(changed_at.plus(Duration::from_secs(60)));
    /// assert_eq!(lifetime.expiry_age(in_a_minute, changed_at), Duration::from_secs(60));
    /// assert_eq!(lifetime.expiry_age(Expiry::BrowserClose, changed_at), lifetime.age);
    /// ```
    pub fn expiry_age(&self, expiry: Expiry, changed_at: Timestamp) -> Duration {
        self.expiry_date(expiry, changed_at).since(changed_at)
    }

    /// When a session ends if nobody visits: by its own expiry, idleness and age, whichever is first.
    pub(crate) fn deadline(&self, head: &Head, now: Timestamp) -> Timestamp {
        let end = self.end(head);
        self.idle.map_or(end, |idle| end.min(now.plus(lease(idle))))
    }

    /// What this visit does to an idle session's deadline, if that is worth a write.
    pub(crate) fn touch(&self, head: &Head, stored: Timestamp, now: Timestamp) -> Option<Touch> {
        let idle = self.idle?;
        let until = self.deadline(head, now);
        if until < stored {
            return Some(Touch::Sooner);
        }
        // The end itself can be near: the visit that reaches it is noted, or the session would end before.
        let worth = until.since(stored) >= idle / 10 || until == self.end(head);
        (until > stored && worth).then_some(Touch::Later(until))
    }

    /// Whether a session is over although its record still stands: limits may have been lowered
    /// since it was stored.
    pub(crate) fn is_over(&self, head: &Head, stored: Timestamp, now: Timestamp) -> bool {
        let absolute = self.absolute.is_some_and(|limit| head.started_at().plus(limit) <= now);
        // No visit under an idle timeout gives as late a deadline: it was stored without one, and its last
        // change is the last that is known of it.
        let idle = self.idle.map(lease);
        absolute || idle.is_some_and(|lease| stored > now.plus(lease) && head.saved_at.plus(lease) <= now)
    }

    /// What the browser should be told of the end. Idleness is left out: it never moves the cookie.
    pub(crate) fn browser_end(&self, head: &Head, now: Timestamp) -> BrowserEnd {
        if self.ends_at_browser_close(head.expiry) {
            BrowserEnd::Close
        } else {
            BrowserEnd::At(self.end(head).min(now.plus(LONGEST_COOKIE)))
        }
    }

    pub(crate) fn ends_at_browser_close(&self, expiry: Expiry) -> bool {
        match expiry {
            Expiry::Default => self.at_browser_close,
            Expiry::BrowserClose => true,
            Expiry::After(_) | Expiry::At(_) => false,
        }
    }

    /// By its own expiry and the absolute limit.
    fn end(&self, head: &Head) -> Timestamp {
        let own = self.expiry_date(head.expiry, head.saved_at);
        self.absolute.map_or(own, |limit| own.min(head.started_at().plus(limit)))
    }
}

/// How long one visit keeps an idle session: the timeout, and the tenth by which visits are noted late.
pub(crate) fn lease(idle: Duration) -> Duration {
    idle.saturating_add(idle / 10)
}

/// What a visit does to an idle session's deadline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Touch {
    /// Moves it on.
    Later(Timestamp),
    /// It was stored under looser rules: it must come nearer, which only a save can do.
    Sooner,
}

/// Whether the browser must hear of its new end: always when the kind of end changed, else when it
/// moves by more than a tenth of what is left. A late answer to another request would otherwise
/// re-send an old key over a newer one.
pub(crate) fn moved(told: Option<BrowserEnd>, end: BrowserEnd, now: Timestamp) -> bool {
    match (told, end) {
        (Some(BrowserEnd::Close), BrowserEnd::Close) => false,
        (Some(BrowserEnd::At(told)), BrowserEnd::At(end)) => {
            let moved = if end > told { end.since(told) } else { told.since(end) };
            moved > end.since(now) / 10
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn at(hours: u32) -> Timestamp {
        Timestamp::MIN.plus(HOUR * hours)
    }

    fn head(created: u32, saved: u32) -> Head {
        Head { saved_at: at(saved), ..Head::new(at(created)) }
    }

    #[test]
    fn age_counts_from_the_last_change() {
        let lifetime = Lifetime { age: HOUR * 5, ..Lifetime::default() };
        assert_eq!(lifetime.deadline(&head(0, 10), at(12)), at(15));
    }

    #[test]
    fn idle_moves_with_the_visit_and_ends_a_tenth_late_at_most() {
        let lifetime = Lifetime { idle: Some(HOUR * 10), ..Lifetime::default() };
        let head = head(0, 0);
        assert_eq!(lifetime.deadline(&head, at(2)), at(13));
        assert_eq!(lifetime.touch(&head, at(13), at(2)), None);
        assert_eq!(lifetime.touch(&head, at(13), at(3)), Some(Touch::Later(at(14))));
    }

    #[test]
    fn the_last_visit_before_the_end_is_noted_however_little_it_moves() {
        let lifetime = Lifetime { age: HOUR * 100, idle: Some(HOUR * 60), ..Lifetime::default() };
        let head = head(0, 0);
        assert_eq!(lifetime.touch(&head, at(96), at(35)), Some(Touch::Later(at(100))));
        assert_eq!(lifetime.touch(&head, at(100), at(60)), None);
    }

    #[test]
    fn a_deadline_from_before_the_idle_timeout_comes_nearer_or_is_over() {
        let lifetime = Lifetime { idle: Some(HOUR * 10), ..Lifetime::default() };
        let (head, long) = (head(0, 0), at(300));
        assert_eq!(lifetime.touch(&head, long, at(10)), Some(Touch::Sooner));
        assert!(!lifetime.is_over(&head, long, at(10)));
        assert!(lifetime.is_over(&head, long, at(11)));
    }

    #[test]
    fn a_standards_idle_session_ends_no_later_than_the_standard_says() {
        for (preset, bound) in
            [(Lifetime::nist_aal2(), HOUR), (Lifetime::nist_aal3(), Duration::from_mins(15))]
        {
            let latest = lease(preset.idle.unwrap());
            assert!(latest <= bound && latest + Duration::from_millis(10) > bound, "{latest:?}");
        }
    }

    #[test]
    fn an_absurd_timeout_is_a_long_one_and_no_panic() {
        let lifetime = Lifetime { age: Duration::MAX, idle: Some(Duration::MAX), ..Lifetime::default() };
        assert_eq!(lifetime.deadline(&head(0, 0), at(1)), Timestamp::MAX);
    }

    #[test]
    fn activity_never_moves_the_absolute_end() {
        let lifetime = Lifetime { idle: Some(HOUR), absolute: Some(HOUR * 8), ..Lifetime::default() };
        assert_eq!(lifetime.deadline(&head(0, 7), at(7)), at(8));
        assert!(lifetime.is_over(&head(0, 7), at(8), at(8)));
        assert!(!lifetime.is_over(&head(0, 7), at(8), at(7)));
    }

    #[test]
    fn login_starts_the_absolute_limit_anew() {
        let lifetime = Lifetime { absolute: Some(HOUR * 8), ..Lifetime::default() };
        let head = Head { authenticated_at: Some(at(5)), ..head(0, 5) };
        assert_eq!(lifetime.deadline(&head, at(5)), at(13));
    }

    #[test]
    fn a_cookie_lives_for_400_days_at_most() {
        let lifetime = Lifetime { age: HOUR * 24 * 4_000, ..Lifetime::default() };
        assert_eq!(lifetime.browser_end(&head(0, 0), at(0)), BrowserEnd::At(at(24 * 400)));
    }

    #[test]
    fn the_browser_hears_of_an_end_that_moves_by_more_than_a_tenth() {
        let told = Some(BrowserEnd::At(at(100)));
        assert!(!moved(told, BrowserEnd::At(at(110)), at(10)));
        assert!(moved(told, BrowserEnd::At(at(112)), at(10)));
        assert!(moved(told, BrowserEnd::At(at(50)), at(10)));
        assert!(moved(told, BrowserEnd::Close, at(10)));
        assert!(!moved(Some(BrowserEnd::Close), BrowserEnd::Close, at(10)));
        assert!(moved(None, BrowserEnd::Close, at(10)));
    }
}
