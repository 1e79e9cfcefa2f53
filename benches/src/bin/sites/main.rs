//! What a session costs a whole site: requests per second and processor time, beside the bare framework and other libraries.
//!
//! ```text
//! sites [--quick] [NAME…]          measures, or only contenders whose names contain one of these
//! sites serve FRAMEWORK ENGINE     serves one site: for the above
//! ```
//!
//! Each site is a process of its own, on a port of 127.0.0.1, and `wrk` asks it. Rounds are interleaved: in each of them
//! every contender is asked every route once, so that what else the machine does meets all alike. A line of JSON goes to standard
//! output for each route of each contender, medians over the rounds; what else there is to say goes to standard error.
//! `REDIS_URL` and `POSTGRES_URL` name servers; without one its engines are left out. `PEERS` is the program of `benches/peers`, without which the other libraries are.

mod contender;
mod contest;
mod load;
mod sample;
mod serve;
mod served;
mod visitor;

use std::{env, error::Error, time::Duration};

use crate::contest::Contest;

/// Nobody acts on the kind of what goes wrong here: it is printed, and the program ends.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["serve", framework, engine] => serve::serve(framework, engine),
        words => measure(words),
    }
}

fn measure(words: &[&str]) -> Outcome {
    let (options, names): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.starts_with('-'));
    let contest = match options[..] {
        [] => Contest { rounds: 7, span: Duration::from_secs(2) },
        ["--quick"] => Contest { rounds: 3, span: Duration::from_secs(1) },
        _ => return Err(format!("the options {options:?} are not known; there is --quick").into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(contest.run(&names))
}
