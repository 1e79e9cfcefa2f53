//! What comes at the same time, and is asked for and stored together.

#![cfg(feature = "redis")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::iter::zip;

use cloakroom_core::{ErrorKind, Read, Record, Revision, Saved, SessionBackend, SessionId};
use cloakroom_servers::Redis;
use futures_util::future::join_all;
use support::{Mood, get, id, open, put, record, watched, written};

const MANY: usize = 60;
/// So many go out by themselves, before others are made together.
const LEADERS: usize = 4;

/// Sessions, and what was seen of each.
async fn many(backend: &cloakroom_cache::redis::Backend) -> Vec<(SessionId, Revision)> {
    let mut stored = Vec::new();
    for n in 0..MANY {
        let (id, owner) = (id(), (n % 2 == 0).then_some("alice"));
        let seen = put(backend, &id, &record("first", owner)).await;
        stored.push((id, seen));
    }
    stored
}

/// As `many` has made them, half of them owned.
fn changes() -> Vec<Record> {
    (0..MANY).map(|n| record(format!("change {n}"), (n % 2 == 0).then_some("alice"))).collect()
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn many_at_once_take_few_requests_and_each_has_its_own_answer() {
    let (_redis, proxy, backend) = watched().await;
    let (sessions, changes) = (many(&backend).await, changes());
    proxy.commands();
    let saves = zip(&sessions, &changes).map(|((id, seen), new)| backend.save(id, new, seen));
    join_all(saves).await.into_iter().for_each(|saved| drop(written(saved.unwrap())));
    assert_eq!(proxy.commands(), ["EVALSHA"; LEADERS + 1]);

    let loads = sessions.iter().map(|(id, _)| backend.load(id, Read::Any));
    for (loaded, new) in zip(join_all(loads).await, changes) {
        assert_eq!(loaded.unwrap().unwrap().record, new);
    }
    let mut commands = proxy.commands();
    commands.sort();
    assert_eq!(commands, [&["GET"; LEADERS][..], &["MGET"]].concat());
    assert_eq!(listed(&backend, "alice").await, MANY / 2);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn many_that_are_absent_take_few_requests() {
    let (_redis, proxy, backend) = watched().await;
    let ids: Vec<_> = (0..MANY).map(|_| id()).collect();
    let loads = ids.iter().map(|id| backend.load(id, Read::Any));
    assert!(join_all(loads).await.into_iter().all(|loaded| loaded.unwrap().is_none()));
    let mut commands = proxy.commands();
    commands.sort();
    assert_eq!(commands, [&["EXISTS"], &["GET"; LEADERS][..], &["MGET"]].concat());
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn large_sessions_are_not_asked_for_in_one_answer() {
    let (_redis, proxy, backend) = watched().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let id = id();
        put(&backend, &id, &record(vec![7; 300_000], None)).await;
        ids.push(id);
    }
    backend.load(&ids[0], Read::Any).await.unwrap().unwrap();
    proxy.commands();
    let loads = ids.iter().map(|id| backend.load(id, Read::Any));
    assert!(join_all(loads).await.into_iter().all(|loaded| loaded.unwrap().is_some()));
    let groups = proxy.commands().iter().filter(|command| *command == "MGET").count();
    assert!(groups >= 4, "{groups} groups for 16 sessions of 300 KB");
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn where_groups_are_refused_each_load_is_answered_by_itself() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let sessions = many(&backend).await;
    redis.command(&["ACL", "SETUSER", "default", "-mget"]).unwrap();
    let loads = sessions.iter().map(|(id, _)| backend.load(id, Read::Any));
    assert!(join_all(loads).await.into_iter().all(|loaded| loaded.unwrap().is_some()));
}

/// How many sessions a user's list shows.
async fn listed(backend: &cloakroom_cache::redis::Backend, owner: &str) -> usize {
    backend.index().unwrap().of(owner, None, 1_000).await.unwrap().len()
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn what_is_foreign_or_gone_among_many_is_told_of_nobody_else() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let (sessions, changes) = (many(&backend).await, changes());
    let key = |at: usize| {
        let id = sessions[at].0.expose();
        format!("cloakroom:{{{}}}{}", &id[..3], &id[3..])
    };
    let (list, text, gone) = (MANY - 1, MANY - 2, MANY - 3);
    redis.command(&["DEL", &key(list), &key(gone)]).unwrap();
    redis.command(&["LPUSH", &key(list), "an entry"]).unwrap();
    redis.command(&["SET", &key(text), "somebody else's text, which is as long as a head"]).unwrap();
    let expected = |at: usize| match at {
        _ if at == list || at == text => Err(ErrorKind::Corrupt),
        _ => Ok(at != gone),
    };
    let saves = zip(&sessions, &changes).map(|((id, seen), new)| backend.save(id, new, seen));
    for (at, saved) in join_all(saves).await.into_iter().enumerate() {
        let came = saved.map(|saved| saved != Saved::Gone);
        assert_eq!(came.map_err(|error| error.kind()), expected(at), "save {at}");
    }
    let loads = sessions.iter().map(|(id, _)| backend.load(id, Read::Any));
    for (at, loaded) in join_all(loads).await.into_iter().enumerate() {
        let came = loaded.map(|stored| stored.is_some());
        assert_eq!(came.map_err(|error| error.kind()), expected(at), "load {at}");
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_group_that_is_asked_for_on_a_broken_connection_is_answered_by_the_next() {
    let (_redis, proxy, backend) = watched().await;
    let sessions = many(&backend).await;
    proxy.commands();
    proxy.becomes(Mood::LosesReplyTo("MGET"));
    let loads = sessions.iter().map(|(id, _)| backend.load(id, Read::Any));
    assert!(join_all(loads).await.into_iter().all(|loaded| loaded.unwrap().is_some()));
    assert_eq!(proxy.commands().iter().filter(|command| *command == "MGET").count(), 2);
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn a_full_server_refuses_a_group_to_each_and_keeps_what_it_has() {
    let redis = Redis::start().unwrap();
    let backend = open(redis.url()).await;
    let (sessions, changes) = (many(&backend).await, changes());
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let saves = zip(&sessions, &changes).map(|((id, seen), new)| backend.save(id, new, seen));
    for saved in join_all(saves).await {
        assert_eq!(saved.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    for (id, seen) in &sessions {
        assert_eq!(&get(&backend, id).await.unwrap().revision, seen);
    }
}

#[tokio::test]
#[ignore = "needs a server: cargo xtask test starts one"]
async fn when_a_connection_breaks_whoever_was_under_way_is_unknown_and_whoever_waited_is_stored() {
    let (_redis, proxy, backend) = watched().await;
    let (sessions, changes) = (many(&backend).await, changes());
    proxy.becomes(Mood::LosesReplyTo("EVALSHA"));
    let saves = zip(&sessions, &changes).map(|((id, seen), new)| backend.save(id, new, seen));
    let mut unknown = 0;
    for (at, saved) in join_all(saves).await.into_iter().enumerate() {
        let stored = get(&backend, &sessions[at].0).await.unwrap().record.stamp;
        match saved {
            Ok(came) => assert_eq!(Revision::from(stored), written(came), "{at} was acknowledged"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unknown, "{error}");
                unknown += 1;
            }
        }
    }
    assert!((1..=LEADERS).contains(&unknown), "{unknown} answers were lost");
}
