//! What only a server can do to an engine: be far away, slow, full, strict, restarted or gone.

#![cfg(all(feature = "postgres", feature = "mysql"))]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

/// A test of each case on each database.
macro_rules! on_each {
    ($($case:ident)*) => {
        on_each!(postgres Postgres: $($case)*);
        on_each!(mariadb MariaDb: $($case)*);
    };
    ($module:ident $database:ident: $($case:ident)*) => {
        mod $module {
            $(
                #[tokio::test]
                #[ignore = "needs a server: cargo xtask test starts one"]
                async fn $case() {
                    let case = super::$case(crate::database::Database::$database);
                    tokio::time::timeout(crate::HANGS, case).await.expect("the case hangs");
                }
            )*
        }
    };
}

/// No case takes as long.
const HANGS: std::time::Duration = std::time::Duration::from_mins(1);

mod database;
mod flights;
mod locks;
mod migrations;
mod outages;
mod pooler;
mod refusals;
mod restarts;
mod settings;
mod together;
mod wire;
