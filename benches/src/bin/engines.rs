//! The engines and the bare drivers as a program of contenders; `cloakroom-contest` says how it is spoken to.

use cloakroom_benches::list;
use cloakroom_contest::{Result, serve};
use tokio::runtime::Runtime;

fn main() -> Result {
    let (entries, left_out) = list()?;
    serve(&Runtime::new()?, &entries, &left_out, None)
}
