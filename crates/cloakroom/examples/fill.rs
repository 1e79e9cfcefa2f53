//! Fills an engine with sessions, to see what they take: `fill COUNT BYTES [USERS]`, with the settings of the environment.
//!
//! ```sh
//! SESSION_DB_URL=sqlite:/tmp/full.sqlite3 cargo run -p cloakroom --example fill -- 100000 300
//! ```

use std::env;

use cloakroom::{Sessions, Settings};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// As many requests as a busy service has at once.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() -> Outcome {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<usize>());
    let mut next = || arguments.next().transpose();
    let (Some(count), Some(bytes)) = (next()?, next()?) else {
        return Err("fill COUNT BYTES [USERS]".into());
    };
    let users = next()?;
    let settings = Settings::from_env()?;
    settings.migrate().await?;
    let sessions = settings.sessions().await?;
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|first| {
            let sessions = sessions.clone();
            tokio::spawn(async move {
                for number in (first..count).step_by(AT_ONCE) {
                    store(&sessions, number, bytes, users).await?;
                }
                Ok::<_, cloakroom::core::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(sessions.backend().close().await?)
}

/// One name and a text that does not pack well.
async fn store(
    sessions: &Sessions,
    number: usize,
    bytes: usize,
    users: Option<usize>,
) -> Result<(), cloakroom::core::Error> {
    let session = sessions.load(None).await?;
    let mut noise = number as u64 | 1;
    let text: String = (0..bytes)
        .map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[(noise >> 58) as usize],
            )
        })
        .collect();
    session.insert("data", text)?;
    if let Some(users) = users {
        session.login(&format!("user{}", number % users))?;
    }
    session.save().await
}
