//! Django writes, this library reads, and back: in every place where Django keeps sessions, by each Django that is supported.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod values;

macro_rules! checks {
    ($place:ident $python:literal: $($check:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        #[ignore = "needs Django and servers: cargo xtask test has both"]
        async fn $check() {
            let beside = beside_django::Beside::open($python, beside_django::Place::$place).await;
            crate::checks::$check(beside).await;
        })*
    };
}

macro_rules! judged {
    ($place:ident $django:ident $python:literal) => {
        mod $django {
            checks! {
                $place $python:
                what_django_writes_is_read_here
                what_is_written_here_django_reads
                what_others_put_there_survives_byte_for_byte
                all_expiries_mean_the_same_on_both_sides
                what_an_older_key_has_signed_is_read_on_both_sides
                who_logs_in_at_django_is_logged_in_here
                who_logs_in_here_is_logged_in_at_django
                who_logs_in_here_without_a_proof_is_nobody_at_django
                a_password_that_django_changes_ends_the_login_here
                a_logout_on_either_side_ends_both
                a_new_key_on_either_side_is_the_sessions_key
                what_django_changes_in_between_is_never_overwritten
                what_has_expired_is_nobodys_and_is_cleared_on_either_side
            }
        }
    };
}

/// A test of each check in each place, by each Django.
macro_rules! places {
    ($($name:ident $place:ident)*) => {
        $(mod $name {
            judged! { $place django_4_2 "DJANGO_42_PYTHON" }
            judged! { $place django_5_2 "DJANGO_52_PYTHON" }
        })*
    };
}

places! {
    sqlite Sqlite
    postgres Postgres
    mariadb Mariadb
    file File
    signed_cookies SignedCookies
    redis_cache RedisCache
    django_redis DjangoRedis
    django_redis_zlib DjangoRedisZlib
    django_redis_json DjangoRedisJson
    cached_db CachedDb
}
