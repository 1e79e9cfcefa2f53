//! Who is logged in, since when, and whether that still counts.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::digest::{Context, SHA256};
use subtle::ConstantTimeEq;

use super::Session;
use crate::change::{Change, Login};
use crate::{Error, ErrorKind, Result, Timestamp};

/// The longest user name, and the longest of what is kept of a request's origin.
const LONGEST_NOTE: usize = 255;

impl Session {
    /// Logs `user` in: the session gets a new key with the next commit, so that whoever knew the old
    /// one is left behind. An anonymous visitor's data stays, and that of the same user; another user's is dropped with their
    /// session, and so is the same user's whose login was bound to a [proof](Session::login_with_proof). A login that can't be
    /// committed leaves the session what it was.
    ///
    /// # Errors
    ///
    /// `Invalid` unless `user` has 1 to 255 bytes and no control characters. Where a user's sessions are limited
    /// ([`SessionOptions::login_limit`](crate::SessionOptions::login_limit)) the commit may end as `TooManySessions`:
    /// [`save`](Session::save) at once to hear of it, and [`discard`](Session::discard) to go on without the login.
    pub fn login(&self, user: &str) -> Result<()> {
        self.bind(user, None)
    }

    /// The same, bound to something that changes when this login must no longer count: usually what
    /// the application stores of the user's password. [`verify_login`](Session::verify_login) compares it. The session
    /// keeps a digest of it alone; in another framework's [format](crate::SessionBackend::format) what that keeps.
    ///
    /// Whoever is logged in with another proof, or with none, is treated as another user: what their session holds is
    /// dropped. Where only the proof has changed, since the password was changed here or its hash was made anew, use
    /// [`rebind_login`](Session::rebind_login).
    ///
    /// ```
    /// # use cloakroom_core::{Memory, Sessions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cloakroom_core::Error> {
    /// # let session = Sessions::new(Memory::new()).load(None).await?;
    /// session.login_with_proof("alice", "$argon2id$v=19$…")?;
    /// // in each request, with what the user table says now:
    /// assert!(session.verify_login("$argon2id$v=19$…"));
    /// // the password was changed elsewhere:
    /// assert!(!session.verify_login("$argon2id$v=20$…"));
    /// assert_eq!(session.user(), None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`login`](Session::login).
    pub fn login_with_proof(&self, user: &str, proof: &str) -> Result<()> {
        let proof = self.proofs(user, proof).into_iter().next();
        self.bind(user, proof)
    }

    fn bind(&self, user: &str, proof: Option<Bytes>) -> Result<()> {
        if user.is_empty() || user.len() > LONGEST_NOTE || user.chars().any(char::is_control) {
            let message = "a user's name has 1 to 255 bytes and no control characters";
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let now = self.sessions().now();
        let mut state = self.state();
        let same = state.view.owner.as_deref() == Some(user)
            && state.view.proof().map(str::as_bytes) == proof.as_deref();
        let afresh = state.view.is_somebodys() && !same;
        state.record(Change::Login(Login { user: user.to_owned(), at: now, proof, afresh }));
        Ok(())
    }

    /// Whether somebody is logged in, and their login was bound to this proof; compared in constant time.
    /// A login that was bound to another one, or to none, is over: the session ends as by [`flush`](Session::flush). One that
    /// counts from before, by an older key of a [format](crate::SessionFormat::proofs), is bound anew, as by [`rebind_login`](Session::rebind_login).
    #[must_use = "the visitor may not be logged in any more"]
    pub fn verify_login(&self, proof: &str) -> bool {
        let now = self.sessions().now();
        let mut state = self.state();
        state.accessed = true;
        let Some(user) = state.view.owner.as_deref() else { return false };
        let accepted = self.proofs(user, proof);
        let bound = state.view.proof().map(str::as_bytes);
        let is_bound_to = |accepted: &Bytes| bound.is_some_and(|bound| bound.ct_eq(accepted).into());
        match accepted.iter().position(is_bound_to) {
            Some(0) => true,
            // It counts from before: as at a rebinding, from now on the new one does.
            Some(_) => {
                state.rebind(accepted[0].clone());
                true
            }
            None => {
                state.flush(now);
                false
            }
        }
    }

    /// Binds the login to a new proof, for the session in which the password was changed: it goes on under a new key,
    /// and all others of the user end when they are [verified](Session::verify_login) next, or at once by
    /// [`logout_others`](Session::logout_others). Nobody logged in: nothing happens.
    ///
    /// Commit it before, or together with, what you store of the password: a request of this session that is verified
    /// in between would end it.
    pub fn rebind_login(&self, proof: &str) {
        let mut state = self.state();
        let bound = state.view.owner.as_deref().and_then(|user| self.proofs(user, proof).into_iter().next());
        if let Some(bound) = bound {
            state.rebind(bound);
        }
    }

    /// What is kept of a proof of login: now, and from before.
    fn proofs(&self, user: &str, proof: &str) -> Vec<Bytes> {
        match self.sessions().backend().format() {
            None => vec![digest(user, proof)],
            Some(format) => format.proofs(user, proof).into_iter().map(Bytes::from).collect(),
        }
    }

    /// Who is logged in.
    pub fn user(&self) -> Option<String> {
        self.view().owner.clone()
    }

    /// When they logged in, if the session's [format](crate::SessionBackend::format) keeps that.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.view().head.authenticated_at
    }

    /// Whether somebody is logged in who did so at most this long ago: ask for the password again before
    /// something that matters if not. [`login`](Session::login) starts it anew.
    pub fn authenticated_within(&self, limit: Duration) -> bool {
        let now = self.sessions().now();
        self.authenticated_at().is_some_and(|moment| now.since(moment) <= limit)
    }

    /// Logs out: as [`flush`](Session::flush).
    pub fn logout(&self) {
        self.flush();
    }

    /// What the browser calls itself, kept when the session is created or logs in, for the list of a
    /// user's devices. Its first 255 bytes count. Adapters set it from the request.
    pub fn set_user_agent(&self, user_agent: &str) {
        self.state().origin.user_agent = Some(note(user_agent));
    }

    /// From where the visitor comes, kept in the same way, if it is set before that is committed. No adapter sets it: which header of which proxy
    /// tells the truth is known to the application alone.
    pub fn set_address(&self, address: &str) {
        self.state().origin.address = Some(note(address));
    }
}

fn note(text: &str) -> Bytes {
    Bytes::copy_from_slice(&text.as_bytes()[..text.floor_char_boundary(LONGEST_NOTE)])
}

/// What is kept of a proof. It is of no use to who steals it: what the proof was can't be told from it.
fn digest(user: &str, proof: &str) -> Bytes {
    let mut context = Context::new(&SHA256);
    context.update(b"cloakroom proof of login 1\0");
    // No control character is in a user's name.
    context.update(user.as_bytes());
    context.update(b"\0");
    context.update(proof.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(context.finish()).into()
}
