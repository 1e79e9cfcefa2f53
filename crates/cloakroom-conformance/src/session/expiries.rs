//! When a session was told to end.

use std::time::Duration;

use cloakroom_core::{BrowserEnd, CookieChange, Expiry, SessionKey, Sessions, Timestamp};

use super::{newcomer, stored, visit};
use crate::{Engine, Limit};

const MINUTE: Duration = Duration::from_mins(1);

async fn lives(sessions: &Sessions, key: &SessionKey) -> bool {
    visit(sessions, key).await.key().is_some()
}

/// Sessions with an age of ten minutes.
fn short(engine: &Engine) -> Sessions {
    engine.sessions_with(|options| options.lifetime.age = MINUTE * 10)
}

/// Whatever a session was told before it is asked: with the browser it lives as long on the server.
pub async fn the_default_age_is_what_the_rules_say(engine: Engine) {
    let sessions = short(&engine);
    let session = newcomer(&sessions).await;
    assert_eq!(session.expiry_age(), MINUTE * 10);
    session.set_expiry(Expiry::from_secs(0));
    assert_eq!(session.expiry_age(), MINUTE * 10);
    assert_eq!(session.expiry_date(), engine.now().plus(MINUTE * 10));
    let longer = newcomer(&engine.sessions()).await;
    assert_eq!(longer.expiry_age().as_secs(), 1_209_600);
}

/// Also as a duration.
pub async fn an_expiry_in_seconds_counts_from_the_last_change(engine: Engine) {
    let sessions = engine.sessions();
    let ten = Duration::from_secs(10);
    for expiry in [Expiry::from_secs(10), Expiry::from(ten)] {
        let session = newcomer(&sessions).await;
        session.set_expiry(expiry);
        assert_eq!((session.expiry_age(), session.expiry_date()), (ten, engine.now().plus(ten)));
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        let key = session.key().unwrap();
        for n in 2..4 {
            engine.pass(Duration::from_secs(9));
            let session = visit(&sessions, &key).await;
            assert_eq!(session.expiry_age(), Duration::from_secs(1), "what is left of it");
            session.insert("n", n).unwrap();
            assert_eq!(session.expiry_age(), ten, "what it will be");
            session.save().await.unwrap();
            assert_eq!((session.expiry(), session.expiry_age()), (expiry, ten));
        }
        engine.pass(ten);
        assert!(!lives(&sessions, &key).await);
    }
}

/// And counts from now.
pub async fn an_expiry_that_is_reset_is_the_default_again(engine: Engine) {
    if engine.lacks(Limit::Deadlines).await {
        return;
    }
    let sessions = short(&engine);
    let session = newcomer(&sessions).await;
    session.insert("n", 1).unwrap();
    for expiry in [Expiry::from_secs(10), Expiry::BrowserClose, Expiry::At(engine.now().plus(MINUTE * 60))] {
        session.set_expiry(expiry);
        session.save().await.unwrap();
        session.set_expiry(Expiry::Default);
        session.save().await.unwrap();
        assert_eq!((session.expiry(), session.expiry_age()), (Expiry::Default, MINUTE * 10));
        assert!(!session.expires_at_browser_close());
    }
    let key = session.key().unwrap();
    engine.pass(MINUTE * 9);
    assert!(lives(&sessions, &key).await);
    engine.pass(MINUTE);
    assert!(!lives(&sessions, &key).await);
}

/// Its own comes first.
pub async fn a_session_ends_with_the_browser_by_its_own_expiry_or_by_the_rules(engine: Engine) {
    for (expiry, rule, closes) in [
        (Expiry::from_secs(10), true, false),
        (Expiry::from_secs(10), false, false),
        (Expiry::At(engine.now().plus(MINUTE)), true, false),
        (Expiry::from_secs(0), true, true),
        (Expiry::from_secs(0), false, true),
        (Expiry::Default, true, true),
        (Expiry::Default, false, false),
    ] {
        let sessions = engine.sessions_with(|options| options.lifetime.at_browser_close = rule);
        let session = newcomer(&sessions).await;
        session.set_expiry(expiry);
        session.insert("n", 1).unwrap();
        assert_eq!(session.expires_at_browser_close(), closes, "{expiry:?}, {rule}");
        session.save().await.unwrap();
        let CookieChange::Set(key, end) = session.activity().cookie else {
            panic!("the browser hears nothing")
        };
        assert_eq!(end == BrowserEnd::Close, closes, "{expiry:?}, {rule}");
        assert_eq!(visit(&sessions, &key).await.expires_at_browser_close(), closes, "{expiry:?}, {rule}");
    }
}

/// However negative: the session ends, and none is begun.
pub async fn a_negative_expiry_has_passed(engine: Engine) {
    let sessions = engine.sessions();
    for seconds in [-1, i64::MIN] {
        let session = visit(&sessions, &stored(&sessions).await).await;
        session.set_expiry(Expiry::from_secs(seconds));
        assert_eq!(session.expiry_age(), Duration::ZERO);
        session.save().await.unwrap();
        assert_eq!((session.key(), session.is_empty()), (None, true));
        assert_eq!(session.activity().cookie, CookieChange::Remove);
        let newcomer = newcomer(&sessions).await;
        newcomer.set_expiry(Expiry::from_secs(seconds));
        newcomer.insert("n", 1).unwrap();
        newcomer.save().await.unwrap();
        assert_eq!(newcomer.key(), None);
    }
}

/// It ends with the last moment that a date can name, and the cookie's end comes before.
pub async fn an_absurd_expiry_is_a_long_one(engine: Engine) {
    let sessions = engine.sessions();
    for expiry in [
        Expiry::from_secs(i64::MAX),
        Expiry::After(Duration::MAX),
        Expiry::At(Timestamp::from_millis(u64::MAX)),
    ] {
        let session = newcomer(&sessions).await;
        session.set_expiry(expiry);
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        assert_eq!(session.expiry_date(), Timestamp::MAX);
        let told = engine.now().plus(Duration::from_hours(24 * 400));
        let key = session.key().unwrap();
        assert_eq!(session.activity().cookie, CookieChange::Set(key.clone(), BrowserEnd::At(told)));
        let again = visit(&sessions, &key).await;
        assert_eq!(again.expiry_date(), Timestamp::MAX);
        again.insert("n", 2).unwrap();
        again.save().await.unwrap();
        assert!(lives(&sessions, &again.key().unwrap()).await);
    }
}
