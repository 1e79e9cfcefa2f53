//! One request, as handlers and adapters do it, and what it notes in the log.

use std::time::Duration;

use cloakroom_core::{
    CookieChange, ErrorKind, Expiry, Result, Session, SessionKey, SessionOptions, Sessions,
};
use cloakroom_http::plan;

use super::commits::Commit;
use super::event::{Edit, Event, Key, Name, Rule, User, View};
use super::scene::{Part, Scene};
use super::script::{Act, Aside, Request};

pub(super) struct Player<'s> {
    pub(super) scene: &'s Scene,
    pub(super) number: usize,
    request: &'s Request,
    pub(super) part: &'s Part,
    /// What was changed and not committed.
    pub(super) pending: Vec<Edit>,
    /// What was last known to be stored.
    pub(super) base: View,
    /// That is known: no commit has failed so far, since what it has seen of the store shows in the session, and none has left
    /// changes waiting on top.
    pub(super) is_sure: bool,
    /// The key that a commit has brought: the visitor must be told.
    pub(super) news: Option<SessionKey>,
    began: i64,
}

impl<'s> Player<'s> {
    pub(super) fn new(scene: &'s Scene, number: usize, request: &'s Request, part: &'s Part) -> Self {
        Self {
            scene,
            number,
            request,
            part,
            pending: Vec::new(),
            base: View::default(),
            is_sure: true,
            news: None,
            began: scene.log.now(),
        }
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
        if let Some(key) = &self.news
            && !matches!(session.activity().cookie, CookieChange::Set(told, _) if told == *key)
        {
            log.wrong(format!("request {}: its visitor does not hear of a new key", self.number));
        }
        if is_over(&session) && self.part.begun().flushes == 0 {
            log.wrong(format!("request {}: it takes a session that it did not end", self.number));
        }
        browser.lock().unwrap().hear(&session);
    }

    /// What an adapter does with a session whose handler was dropped.
    pub(super) async fn give_up(mut self) {
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
            Act::Edit(Edit::Increment(name)) => self.increment(session, name, None).await,
            Act::Edit(edit) => {
                self.edit(session, edit);
                true
            }
            Act::Save => self.commit(session, Commit::default(), nothing(session.save())).await,
            Act::Flush => {
                self.flush(session);
                true
            }
            Act::Discard => {
                self.discard(session);
                if self.is_sure && self.scene.view(session) != self.base {
                    self.scene.log.wrong(format!("request {}: what was discarded still shows", self.number));
                }
                true
            }
            Act::Reload => {
                self.commit(session, Commit { reloads: true, ..Commit::default() }, nothing(session.reload()))
                    .await
            }
            Act::Beside(Some(name), waits, aside) => {
                self.increment(session, name, Some((waits, aside))).await
            }
            Act::Beside(None, waits, aside) => {
                let commit = Commit { aside: Some((waits, aside)), ..Commit::default() };
                self.commit(session, commit, nothing(session.save())).await
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

    async fn increment(&mut self, session: &Session, name: Name, aside: Option<(u8, Aside)>) -> bool {
        let work = async { session.update(name, |number: &mut i64| *number += 1).await.map(Some) };
        self.commit(session, Commit { extra: Some(name), aside, ..Commit::default() }, work).await
    }

    pub(super) fn edit(&mut self, session: &Session, edit: Edit) {
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

    /// What was sent counts if it is stored, and is not sent again.
    pub(super) fn discard(&mut self, session: &Session) {
        session.discard();
        self.pending.clear();
        self.part.begun().sent.iter_mut().for_each(|sent| sent.edits.clear());
    }

    pub(super) fn flush(&mut self, session: &Session) {
        let key = session.key().map(|key| self.scene.keys.number(&key));
        let mut begun = self.part.begun();
        let untold: Vec<_> = begun.sent.drain(..).map(|sent| Key::Untold(sent.number)).collect();
        begun.doomed.extend(key.into_iter().chain(untold));
        begun.flushes += 1;
        session.flush();
        self.pending.clear();
        self.base = View::default();
        self.news = None;
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
        let done = self.commit(session, Commit::default(), nothing(work)).await;
        if let Some((_, visit)) = visited {
            log.end(visit);
            if done && !self.is_disturbed() {
                log.done(visit);
            }
        }
        session.headers_left();
        if session.activity().unsettled {
            self.finish(session).await;
        }
    }

    /// The end of one that has failed: nothing more is committed, but what was flushed is ended.
    async fn fail(&mut self, session: &Session) {
        let (ends, was_over) = (self.begin_ends(), is_over(session));
        if self.finish(session).await {
            self.ended(session, &ends, was_over);
        }
    }

    /// These ends are acknowledged; `was_over` is what the visitor was to be told before.
    pub(super) fn ended(&self, session: &Session, ends: &[usize], was_over: bool) {
        let log = &self.scene.log;
        for end in ends {
            log.done(*end);
        }
        // The second of two sessions that a request ends is not the one that its visitor had.
        let is_the_first = self.part.begun().flushes == 1 && !was_over && is_over(session);
        if let ([end], true) = (ends, is_the_first) {
            log.amend(*end, |event| {
                if let Event::End { told, .. } = event {
                    *told = true;
                }
            });
        }
    }

    /// Commits nothing more, and finds out what became of what was sent.
    async fn finish(&mut self, session: &Session) -> bool {
        let before = session.key();
        let finding = self.begin_finding();
        let finished = session.finish().await;
        self.end_finding(finding, before.as_ref(), session, true);
        if let Err(error) = &finished {
            self.excuse("end", error.kind());
        }
        finished.is_ok()
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
    pub(super) fn excuse(&self, what: &str, kind: ErrorKind) {
        let excused = matches!(kind, ErrorKind::Unavailable | ErrorKind::Unknown);
        if !(excused && self.is_disturbed()) {
            self.scene.log.wrong(format!("request {}: a {what} is {kind:?}", self.number));
        }
    }

    /// Whether something has gone wrong with this request, or it took as long as much may take.
    fn is_disturbed(&self) -> bool {
        let patience = SessionOptions::default().time_limit / 2;
        let passed = Duration::from_millis(self.scene.log.now().abs_diff(self.began));
        self.scene.slow || self.scene.gates.suffered(self.number) > 0 || passed >= patience
    }
}

/// Whether the visitor is to be told that their session is gone.
pub(super) fn is_over(session: &Session) -> bool {
    session.activity().cookie == CookieChange::Remove
}

/// What is stored by a commit that returns nothing.
async fn nothing(commit: impl Future<Output = Result<()>>) -> Result<Option<i64>> {
    commit.await.map(|()| None)
}
