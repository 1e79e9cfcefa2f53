//! One request, as handlers and adapters do it, and what it notes in the log.

use std::time::Duration;

use cloakroom_core::{ErrorKind, Expiry, Result, Session, SessionKey, Sessions};
use cloakroom_http::plan;

use super::event::{Edit, Event, Key, Outcome, Rule, Sent, User, View};
use super::scene::{Part, Scene};
use super::script::{Act, Request};

pub(super) struct Player<'s> {
    scene: &'s Scene,
    number: usize,
    request: &'s Request,
    part: &'s Part,
    /// What was changed and not committed.
    pending: Vec<Edit>,
    /// What was last known to be stored.
    base: View,
    /// No commit has failed so far: what that has seen of the store shows in the session.
    is_sure: bool,
}

impl<'s> Player<'s> {
    pub(super) fn new(scene: &'s Scene, number: usize, request: &'s Request, part: &'s Part) -> Self {
        Self { scene, number, request, part, pending: Vec::new(), base: View::default(), is_sure: true }
    }

    /// The whole request.
    pub(super) async fn play(self) {
        let (log, number, slow) = (&self.scene.log, self.number, self.scene.slow);
        self.answered().await;
        if !slow {
            log.end_all(number);
        }
    }

    async fn answered(mut self) {
        let Scene { log, gates, browsers, processes, .. } = self.scene;
        gates.pass().await;
        let browser = &browsers[self.request.visitor];
        let key = browser.lock().unwrap().key();
        let read = key.as_ref().map(|key| (log.begin(Some(self.number), |_| self.read(key, None)), key));
        let session = match processes[self.request.process].load(key.clone()).await {
            Ok(session) => session,
            Err(error) => {
                if let Some((read, _)) = read {
                    log.withdraw(read);
                }
                return self.excuse("load", error.kind());
            }
        };
        let began = log.now();
        if let Some((read, key)) = read {
            let found = session.key().map(|_| self.scene.view(&session));
            self.base = found.clone().unwrap_or_default();
            log.came_to(read, self.read(key, found));
        }
        self.part.begun().session = Some(session.clone());
        let mut failed = false;
        for act in &self.request.acts {
            gates.pass().await;
            failed = !self.act(&session, *act).await && !self.request.stubborn;
            if failed {
                break;
            }
        }
        gates.pass().await;
        if failed {
            self.fail(&session).await;
        } else {
            self.answer(&session, began).await;
        }
        browser.lock().unwrap().hear(&session);
    }

    /// What an adapter does with a session whose handler was dropped.
    pub(super) async fn give_up(self) {
        let session = self.part.begun().session.clone();
        if let Some(session) = session {
            session.headers_left();
            self.fail(&session).await;
        }
    }

    fn read(&self, key: &SessionKey, found: Option<View>) -> Event {
        Event::Read { key: self.scene.keys.number(key), found }
    }

    /// Does something, and says whether that went well.
    async fn act(&mut self, session: &Session, act: Act) -> bool {
        match act {
            Act::Edit(Edit::Increment(name)) => {
                let work = async { session.update(name, |number: &mut i64| *number += 1).await };
                self.commit(session, Some(Edit::Increment(name)), work).await
            }
            Act::Edit(edit) => {
                self.edit(session, edit);
                true
            }
            Act::Save => self.commit(session, None, session.save()).await,
            Act::Flush => {
                self.flush(session);
                true
            }
            Act::Revoke(user) => self.revoke(session.sessions(), user).await,
            Act::Sweep => {
                let now = session.sessions().options().clock.now();
                let swept = session.sessions().clear_expired(now).await;
                if let Err(error) = &swept {
                    self.excuse("sweep", error.kind());
                }
                swept.is_ok()
            }
        }
    }

    fn edit(&mut self, session: &Session, edit: Edit) {
        let before = self.scene.view(session);
        match edit {
            Edit::Set(name, value) => session.insert(name, value).unwrap(),
            Edit::Remove(name) => drop(session.remove(name)),
            Edit::Clear => session.clear(),
            Edit::Expire(Rule::Default) => session.set_expiry(Expiry::Default),
            Edit::Expire(Rule::Hours(hours)) => session.set_expiry(Duration::from_hours(hours.into())),
            Edit::Login(user) => session.login(&self.scene.name(user)).unwrap(),
            Edit::Cycle => session.cycle_key(),
            Edit::Increment(_) => unreachable!("it is a commit"),
        }
        let after = before.edited(&[edit]);
        if self.scene.view(session) != after {
            self.scene.log.wrong(format!("request {}: {edit} shows something else", self.number));
        }
        // What is so already is no change.
        if edit.is_a_wish() || after != before {
            self.pending.push(edit);
        }
    }

    fn flush(&mut self, session: &Session) {
        let key = session.key().map(|key| self.scene.keys.number(&key));
        let mut begun = self.part.begun();
        let untold: Vec<_> = begun.sent.drain(..).map(|sent| Key::Untold(sent.number)).collect();
        begun.doomed.extend(key.into_iter().chain(untold));
        session.flush();
        self.pending.clear();
        self.base = View::default();
    }

    /// A commit by any of the ways to the store, and what it came to.
    async fn commit<T>(
        &mut self,
        session: &Session,
        extra: Option<Edit>,
        work: impl Future<Output = Result<T>>,
    ) -> bool {
        let log = &self.scene.log;
        let ends = self.begin_ends();
        let mut edits = self.pending.clone();
        edits.extend(extra);
        let sent = self.part.begun().sent.clone();
        let wished = edits.iter().any(|edit| edit.is_a_wish());
        // Then it is stored only if it has put names into another order.
        let void = !wished && self.base.edited(&edits) == self.base;
        let surely_void = void && !edits.iter().any(|edit| edit.reorders());
        // A commit that failed may have seen more of the store than is known here, also that what waits is so already.
        let activity = session.activity();
        let nothing = !self.is_sure && extra.is_none() && !activity.changed && !activity.unsettled;
        let before = session.key();
        let commit = (!(surely_void || nothing) || !sent.is_empty()).then(|| {
            let key = before.as_ref().map(|key| self.scene.keys.number(key));
            let number = self.begin_commit(key, sent.clone(), edits.clone());
            // Should this be cut, nobody knows what it came to.
            self.part.begun().sent.push(Sent { number, edits: self.pending.clone() });
            number
        });
        let finding = self.begin_finding();
        let kind = work.await.err().map(|error| error.kind());
        let found = self.end_finding(finding, before.as_ref(), session, kind.is_some());
        if let (Some(commit), Some(found)) = (commit, found) {
            // That was found first, and this was made for it.
            log.amend(commit, |event| {
                if let Event::Commit { key, .. } = event {
                    *key = Some(found);
                }
            });
        }
        match kind {
            None => {
                for end in ends {
                    log.done(end);
                }
                for sent in sent {
                    log.end(sent.number);
                }
                let mut begun = self.part.begun();
                begun.doomed.clear();
                begun.sent.clear();
                drop(begun);
                self.pending.clear();
                let expected = (commit.is_none() && before.is_some()).then(|| self.base.clone());
                self.base = self.scene.view(session);
                if let Some(expected) = expected.filter(|expected| self.is_sure && *expected != self.base) {
                    let Self { number, base, .. } = self;
                    log.wrong(format!("request {number}: a commit of nothing has made {base} of {expected}"));
                }
                let key = self.told(session, before.as_ref(), &edits);
                if let Some(commit) = commit {
                    self.commit_came_to(commit, Outcome::Done { key, view: self.base.clone() });
                    if void {
                        log.doubt(commit);
                    }
                }
            }
            Some(ErrorKind::Unavailable) => {
                self.part.begun().sent = sent;
                if let Some(commit) = commit {
                    log.withdraw(commit);
                }
                self.excuse("commit", ErrorKind::Unavailable);
            }
            Some(ErrorKind::Unknown) => {
                self.pending.clear();
                self.excuse("commit", ErrorKind::Unknown);
            }
            Some(ErrorKind::Interrupted) => {
                self.part.begun().sent = sent;
                let key = before.as_ref().map(|key| self.scene.keys.number(key));
                let commit = commit.unwrap_or_else(|| self.begin_commit(key, Vec::new(), edits));
                self.commit_came_to(commit, Outcome::Interrupted);
            }
            Some(kind) => log.wrong(format!("request {}: a commit is {kind:?}", self.number)),
        }
        self.is_sure &= kind.is_none();
        kind.is_none()
    }

    /// The key that a session has after a commit.
    fn told(&self, session: &Session, before: Option<&SessionKey>, edits: &[Edit]) -> Option<Key> {
        let key = session.key()?;
        let rotates = edits.iter().any(|edit| matches!(edit, Edit::Login(_) | Edit::Cycle));
        if let Some(before) = before.filter(|_| self.scene.presented && !rotates) {
            // Each write makes another value, and it stays the same session.
            self.scene.keys.same(before, &key);
        }
        Some(self.scene.keys.number(&key))
    }

    fn begin_commit(&self, key: Option<Key>, sent: Vec<Sent>, edits: Vec<Edit>) -> usize {
        let commit = |number| Event::Commit { key, sent, edits, outcome: Outcome::Lost(number) };
        self.scene.log.begin(Some(self.number), commit)
    }

    fn commit_came_to(&self, number: usize, came_to: Outcome) {
        self.scene.log.amend(number, |event| {
            if let Event::Commit { outcome, .. } = event {
                *outcome = came_to;
            }
        });
        self.scene.log.done(number);
    }

    fn begin_ends(&self) -> Vec<usize> {
        let doomed = self.part.begun().doomed.clone();
        let begin = |key| self.scene.log.begin(Some(self.number), |_| Event::End { key });
        doomed.into_iter().map(begin).collect()
    }

    /// The end of a request whose handler has answered.
    async fn answer(&mut self, session: &Session, began: i64) {
        let log = &self.scene.log;
        let visited = session.key().filter(|_| self.scene.idle).map(|key| {
            let key = self.scene.keys.number(&key);
            (key, log.begin(Some(self.number), |_| Event::Visit { key, began }))
        });
        let step = plan(&session.activity(), 200, false);
        let work = async {
            match step {
                Some(step) => step.take(session).await,
                None => Ok(()),
            }
        };
        let done = self.commit(session, None, work).await;
        if let Some((_, visit)) = visited {
            log.end(visit);
            if done && self.scene.calm {
                log.done(visit);
            }
        }
        session.headers_left();
        if session.activity().unsettled {
            self.finish(session).await;
        }
    }

    /// The end of one that has failed: nothing more is committed, but what was flushed is ended.
    async fn fail(&self, session: &Session) {
        let ends = self.begin_ends();
        if self.finish(session).await {
            for end in ends {
                self.scene.log.done(end);
            }
        }
    }

    /// Commits nothing more, and finds out what became of what was sent.
    async fn finish(&self, session: &Session) -> bool {
        let before = session.key();
        let finding = self.begin_finding();
        let finished = session.finish().await;
        self.end_finding(finding, before.as_ref(), session, true);
        if let Err(error) = &finished {
            self.excuse("end", error.kind());
        }
        finished.is_ok()
    }

    /// Whatever comes to the store finds out what became of what was sent.
    fn begin_finding(&self) -> (usize, Vec<usize>) {
        let sent: Vec<_> = self.part.begun().sent.iter().map(|sent| sent.number).collect();
        let event = |number| Event::Found { sent: sent.clone(), key: Key::Untold(number) };
        (self.scene.log.begin(Some(self.number), event), sent.clone())
    }

    fn end_finding(
        &self,
        (finding, sent): (usize, Vec<usize>),
        before: Option<&SessionKey>,
        session: &Session,
        failed: bool,
    ) -> Option<Key> {
        let log = &self.scene.log;
        let found =
            session.key().filter(|key| failed && before != Some(key)).map(|key| self.scene.keys.number(&key));
        match found {
            Some(key) => log.came_to(finding, Event::Found { sent, key }),
            None => log.withdraw(finding),
        }
        found
    }

    async fn revoke(&self, sessions: &Sessions, user: User) -> bool {
        if sessions.backend().index().is_none() {
            return true;
        }
        let revoking = self.scene.log.begin(Some(self.number), |number| Event::Revoke { user, number });
        match sessions.revoke(&self.scene.name(user)).await {
            Ok(_) => {
                self.scene.log.done(revoking);
                true
            }
            Err(error) => {
                self.excuse("revocation", error.kind());
                false
            }
        }
    }

    /// An error is only allowed where something went wrong.
    fn excuse(&self, what: &str, kind: ErrorKind) {
        let excused = matches!(kind, ErrorKind::Unavailable | ErrorKind::Unknown);
        if self.scene.calm || !excused {
            self.scene.log.wrong(format!("request {}: a {what} is {kind:?}", self.number));
        }
    }
}
