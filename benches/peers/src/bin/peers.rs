//! Other libraries' stores as a program of contenders; `cloakroom-contest` says how it is spoken to.

#[path = "../stores/mod.rs"]
mod stores;

use cloakroom_contest::{Result, serve};
use tokio::runtime::Runtime;

fn main() -> Result {
    let (entries, left_out) = stores::list()?;
    serve(&Runtime::new()?, &entries, &left_out, None)
}
