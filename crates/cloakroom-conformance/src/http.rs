//! Scripts of HTTP requests that every adapter answers alike.
//!
//! An adapter shows the scripts a [`Site`] with three routes, served through its own middleware:
//!
//! - `/untouched` answers `ok` and never asks for a session;
//! - `/perhaps` asks for its session and answers `ok`, also where it gets none;
//! - `/do/{steps}`, by any method, hands its session and the steps to [`act`] and answers with the [`Reply`].
//!
//! A change of what adapters do is a change here first. They run on a store in memory, and on any engine
//! that they are given: one whose visitors bear their sessions shows what is not told to the browser.

pub mod advisories;
pub mod attributes;
pub mod commits;
pub mod cookies;
pub mod failures;
pub mod headers;
pub mod leaving;
pub mod renewals;
mod steps;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cloakroom_core::{Addressing, Clock, ErrorKind, Memory, SessionOptions, Sessions, Timestamp};
use cloakroom_http::{CookieOptions, CookiePolicy};

use crate::{Engine, Fault, Faulty, Limit, Operation, Setup};

pub use steps::{Reply, act};

/// A web application behind an adapter's middleware. It is asked directly, without a network, in the thread that made it:
/// services of some frameworks never leave theirs.
#[async_trait(?Send)]
pub trait Site {
    /// Answers `method path` with these Cookie headers. A future that is dropped is a visitor who leaves.
    async fn ask(&self, method: &str, path: &str, cookies: &[&str]) -> Answer;

    /// Answers `GET path` with these Cookie headers.
    async fn get(&self, path: &str, cookies: &[&str]) -> Answer {
        self.ask("GET", path, cookies).await
    }
}

/// What a site answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Names in lower case, and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The one Set-Cookie, if there is one.
    fn set_cookie(&self) -> Option<&str> {
        let cookies = self.header("set-cookie");
        assert!(cookies.len() <= 1, "{cookies:?}");
        cookies.first().copied()
    }

    /// The key that Set-Cookie gives: the value to send back.
    fn key(&self) -> String {
        let value = self.value().expect("a Set-Cookie");
        assert!(!value.is_empty(), "a new key");
        value.to_owned()
    }

    /// What Set-Cookie makes of the cookie: nothing, if it takes it away.
    fn value(&self) -> Option<&str> {
        let pair = self.set_cookie()?.split(';').next()?;
        Some(pair.strip_prefix("sessionid=").expect("the session's cookie"))
    }
}

/// A browser: it sends the cookie that it holds, and holds what it is told.
#[derive(Debug)]
pub(crate) struct Visitor(Mutex<String>);

impl Visitor {
    /// One who has heard this answer, and none before.
    fn told(answer: &Answer) -> Self {
        Self(Mutex::new(answer.key()))
    }

    /// What it holds.
    fn key(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn hear(&self, answer: &Answer) {
        if let Some(value) = answer.value() {
            value.clone_into(&mut self.0.lock().unwrap());
        }
    }
}

/// What a site is made of.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Setting {
    /// The sessions.
    pub sessions: Sessions,
    /// The cookie.
    pub cookie: CookiePolicy,
    /// Whether each request stores its session again.
    pub save_every_request: bool,
}

/// A site over a store whose calls are counted and fail when told to.
pub(crate) struct Stage<S> {
    site: S,
    faults: Faulty,
    engine: Engine,
}

impl<S> std::fmt::Debug for Stage<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// How a script wants its site.
#[derive(Debug)]
pub(crate) struct Wishes {
    /// The cookie; not `Secure`, since nothing here asks for it.
    pub cookie: CookieOptions,
    /// The rules.
    pub options: SessionOptions,
    /// Whether each request stores its session again.
    pub save_every_request: bool,
}

impl<S: Site> Stage<S> {
    /// Builds a site as a script wishes it.
    async fn set(
        engine: Engine,
        make: impl AsyncFnOnce(Setting) -> S,
        wish: impl FnOnce(&mut Wishes),
    ) -> Self {
        let faults = Faulty::new(Arc::clone(&engine.backend));
        let mut options = SessionOptions::default();
        options.clock = Arc::new(engine.clock.clone());
        let mut wishes = Wishes { cookie: CookieOptions::default(), options, save_every_request: false };
        wish(&mut wishes);
        let setting = Setting {
            sessions: Sessions::with(faults.clone(), wishes.options),
            cookie: CookiePolicy::new(wishes.cookie).unwrap(),
            save_every_request: wishes.save_every_request,
        };
        Self { site: make(setting).await, faults, engine }
    }

    /// A request by a visitor with no cookie.
    async fn newcomer(&self, path: &str) -> Answer {
        self.site.get(path, &[]).await
    }

    /// A request that presents this key, whoever holds it.
    async fn present(&self, key: &str, path: &str) -> Answer {
        self.site.get(path, &[&format!("theme=dark; sessionid={key}")]).await
    }

    /// The same, by another method than GET.
    async fn present_by(&self, method: &str, key: &str, path: &str) -> Answer {
        self.site.ask(method, path, &[&format!("sessionid={key}")]).await
    }

    /// A request by a visitor, who hears the answer.
    async fn visit(&self, visitor: &Visitor, path: &str) -> Answer {
        let answer = match visitor.key() {
            gone if gone.is_empty() => self.newcomer(path).await,
            key => self.present(&key, path).await,
        };
        visitor.hear(&answer);
        answer
    }

    /// A visitor with a stored session that has `a` set to `1`.
    async fn stored(&self) -> Visitor {
        let visitor = Visitor::told(&self.newcomer("/do/set:a=1").await);
        self.faults.calls();
        visitor
    }

    /// The value under `a` that a visitor finds.
    async fn value(&self, visitor: &Visitor) -> String {
        self.visit(visitor, "/do/get:a").await.body
    }

    /// Sees how many records there are, where they can be counted.
    async fn assert_records(&self, expected: usize) {
        assert!(self.engine.records().await.is_none_or(|records| records == expected));
    }

    /// Sees that a key is nobody's any more; or, where that can't be, that it opens what it did.
    async fn assert_dead(&self, key: &str) {
        let lives = self.engine.lacks(Limit::Revocation).await;
        assert_eq!(self.present(key, "/do/get:a").await.body, if lives { "1" } else { "nothing" });
    }

    /// Sees that an answer sends the key again that the visitor had; where a key says what it opens, another.
    fn assert_sent_again(&self, key: &str, answer: &Answer) {
        assert_eq!(answer.key() != key, self.addressing() == Addressing::Presented);
    }

    /// Sees that the browser hears nothing of a change; or, where that can't be, that it does.
    async fn assert_quiet(&self, answer: &Answer) {
        assert_eq!(answer.set_cookie().is_some(), self.engine.lacks(Limit::Quiet).await);
    }

    fn addressing(&self) -> Addressing {
        self.engine.capabilities().addressing
    }

    fn now(&self) -> Timestamp {
        self.engine.now()
    }
}

/// The store that scripts run on if they are given none.
#[doc(hidden)]
pub fn memory(clock: Arc<dyn Clock>) -> impl Future<Output = Setup> {
    std::future::ready(Setup::from(Memory::with_clock(clock)))
}

/// Calls a macro with every group of scripts.
#[doc(hidden)]
#[macro_export]
macro_rules! __http_scripts {
    ([$($callback:tt)+] $($given:tt)*) => {
        $($callback)+! {
            $($given)*
            cookies {
                a_first_change_sets_the_cookie_with_all_its_attributes
                a_session_that_nobody_asked_for_costs_nothing_and_adds_no_header
                a_read_varies_by_cookie_and_sets_none
                a_change_does_not_send_the_key_again
                the_key_is_sent_again_when_its_end_moves_by_more_than_a_tenth
                a_new_expiry_is_sent_at_once
                a_login_sends_a_new_key
                a_logout_takes_the_cookie_away_with_the_attributes_it_was_set_with
                a_session_that_no_browser_has_seen_takes_no_cookie_away
                a_session_begun_after_another_requests_logout_takes_no_cookie_away
                a_logout_is_told_also_where_a_session_was_begun_and_ended_after_it
                a_cookie_that_is_no_key_is_a_fresh_visitor_and_never_reaches_the_store
                a_cookie_sent_twice_is_a_fresh_visitor
                an_unknown_or_expired_key_is_a_fresh_visitor_whose_cookie_is_left_alone
                an_unreadable_session_is_a_fresh_visitor_whose_cookie_is_left_alone
                a_thousand_unknown_keys_leave_no_record
                an_embedded_sites_cookie_is_partitioned_when_set_and_when_removed
                a_flush_without_a_cookie_sets_none
                an_expiry_that_has_passed_takes_the_cookie_away
                a_cookie_of_another_name_is_another_visitors
            }
            attributes {
                a_cookie_is_removed_by_just_the_attributes_that_it_was_set_by
                an_attribute_that_is_off_is_not_there
                max_age_and_expires_name_one_moment
                a_cookie_lives_400_days_at_most_and_is_renewed_by_changes
            }
            headers {
                vary_names_cookie_once_whatever_the_handler_wrote
                an_answer_that_sets_or_removes_the_cookie_is_not_to_be_stored_unless_its_handler_chose
                a_handlers_own_cookie_goes_beside_the_sessions
                every_method_is_committed_before_its_headers_leave
                redirects_and_answers_without_a_body_are_committed_before_their_headers_leave
                an_answer_that_did_without_a_session_varies_where_it_was_looked_for
            }
            leaving {
                a_handler_that_panics_stores_nothing_half
                a_handler_that_is_left_waiting_stores_nothing_half
                a_handler_that_is_left_in_its_own_commit_has_stored_all_of_it_or_nothing
                a_logout_that_was_asked_for_ends_the_session_also_where_the_handler_never_answers
            }
            commits {
                changes_are_committed_before_the_answer
                an_error_status_below_500_commits
                a_status_from_500_on_commits_nothing
                a_logout_ends_the_session_at_any_status
                what_a_handler_committed_itself_is_sent_at_any_status
                an_emptied_session_lives_on_under_its_key
                a_logout_and_then_a_change_is_a_new_session
                every_request_can_store_and_send_the_session_again
                a_change_is_told_as_well_where_every_request_is
                every_request_of_a_newcomer_stores_nothing
                a_visit_keeps_an_idle_session_also_where_no_handler_asked
                the_cookie_of_an_idle_session_stays
                changes_that_cancel_out_are_a_visit_like_any_other
            }
            renewals {
                a_key_that_is_due_is_renewed_by_the_next_request_that_looks
                a_request_with_a_renewed_key_is_served_and_told_the_new_one
                a_renewed_key_is_dead_after_a_login
                a_logout_with_a_renewed_key_ends_the_session_and_takes_the_cookie
            }
            failures {
                a_change_to_a_session_that_another_request_ended_is_400_without_a_cookie
                a_late_answer_to_an_old_key_never_touches_the_cookie
                a_store_that_can_not_be_read_is_503_without_a_cookie
                a_store_that_can_not_be_written_is_503_without_a_cookie_or_body
                a_logout_that_could_not_be_stored_is_503_and_leaves_the_cookie
                a_failed_logout_announces_no_key
                a_session_over_the_limit_is_413
                a_login_beyond_the_limit_is_409_and_leaves_the_session
                a_visit_that_could_not_be_noted_is_no_failure
            }
            advisories {
                every_way_to_a_session_varies_by_cookie_and_no_cookie_is_cached
                a_name_that_only_decodes_to_the_cookies_is_another_cookie
                an_empty_cookie_is_a_visitor_of_its_own
            }
        }
    };
}

/// Makes a test of each script for an adapter. The closure builds its [`Site`](crate::http::Site) from a
/// [`Setting`](crate::http::Setting).
///
/// `on async |clock| …; async |setting| …` runs them on an engine, made as for
/// [`backend_tests!`](crate::backend_tests), in place of a store in memory. With `ignore = "needs a server";` before that they run only
/// when they are asked for.
#[macro_export]
macro_rules! http_tests {
    (ignore = $reason:literal; on $engine:expr; $make:expr) => {
        $crate::__http_tests!({ #[ignore = $reason] } $engine; $make);
    };
    (on $engine:expr; $make:expr) => {
        $crate::__http_tests!({} $engine; $make);
    };
    ($make:expr) => {
        $crate::http_tests!(on $crate::http::memory; $make);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __http_tests {
    ($attributes:tt $engine:expr; $make:expr) => {
        async fn engine(clock: ::std::sync::Arc<dyn $crate::__Clock>) -> $crate::Setup {
            $crate::Setup::from(($engine)(clock).await)
        }

        async fn site(setting: $crate::http::Setting) -> impl $crate::http::Site {
            ($make)(setting).await
        }

        $crate::__http_scripts!([$crate::__http_groups] $attributes);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __http_groups {
    ($attributes:tt $($group:ident { $($script:ident)* })*) => {
        $(mod $group {
            $($crate::__http_test!($attributes $group $script);)*
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __http_test {
    ({ $($attributes:tt)* } $group:ident $script:ident) => {
        $($attributes)*
        #[::tokio::test]
        async fn $script() {
            $crate::run(super::engine, |engine| $crate::http::$group::$script(engine, super::site)).await;
        }
    };
}
