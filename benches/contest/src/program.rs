//! A program of contenders: it says who they are, and does what it is asked for.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::io::{self, BufRead as _, Write as _};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::meter::{Counter, count_by};
use crate::timing::Timed;
use crate::{Ask, Entry, LeftOut, Opened, Operation, Pace, Result, Sample, percentile};

/// Contenders whose stores are open, by their number and the size of their sessions.
type Open = HashMap<(usize, usize), (Opened, Option<f64>)>;

/// Says who enters and who is left out; then answers each line of standard input until there is no more.
///
/// # Errors
///
/// `Io` if nobody listens. What goes wrong with a contender is an answer.
pub fn serve(runtime: &Runtime, entries: &[Entry], left_out: &[LeftOut], counter: Option<Counter>) -> Result {
    for entry in entries {
        let Entry { engine, contender, version, durable, .. } = entry;
        say(&json!({"enters": engine, "contender": contender, "version": version, "durable": durable}))?;
    }
    for LeftOut { engine, why } in left_out {
        say(&json!({"left_out": engine, "why": why}))?;
    }
    say(&json!({"ready": true}))?;
    if let Some(counter) = counter {
        count_by(counter);
    }
    let mut open = Open::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        match answer(runtime, entries, &mut open, &line) {
            Ok(Some(sample)) => say(&sample)?,
            Ok(None) => say(&json!({"done": true}))?,
            Err(error) => say(&json!({"failed": error.to_string()}))?,
        }
    }
    Ok(())
}

fn say(line: &impl Serialize) -> Result {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// Nothing where there is nothing to measure: it was asked to close, or the contender does not do that.
fn answer(runtime: &Runtime, entries: &[Entry], open: &mut Open, line: &str) -> Result<Option<Sample>> {
    let ask: Ask = serde_json::from_str(line)?;
    let Some(operation) = ask.table else {
        let _inside = runtime.enter();
        open.retain(|(number, size), _| entries[*number].engine != ask.engine || *size != ask.size);
        return Ok(None);
    };
    let asked = |entry: &&Entry| entry.engine == ask.engine && entry.contender == ask.contender;
    let number = entries.iter().position(|entry| asked(&entry)).ok_or("nobody of that name enters")?;
    let entry = &entries[number];
    runtime.block_on(async {
        let key = (number, ask.size);
        let (opened, bytes) = match open.entry(key) {
            Occupied(there) => there.into_mut(),
            Vacant(place) => {
                let mut opened = entry.open(ask.size).await?;
                opened.prepare(ask.live).await?;
                let bytes = opened.bytes().await?;
                place.insert((opened, bytes))
            }
        };
        if !opened.does(operation) {
            return Ok(None);
        }
        opened.prepare(ask.live).await?;
        let pace = Pace::For(Duration::from_millis(ask.milliseconds));
        let timed = opened.run(operation, ask.tasks.max(1), pace).await?;
        Ok(Some(sample(entry, &ask, operation, &timed, *bytes)))
    })
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
fn sample(entry: &Entry, ask: &Ask, operation: Operation, timed: &Timed, bytes: Option<f64>) -> Sample {
    let done = timed.times.len().max(1) as f64;
    Sample {
        table: operation.name(),
        size: ask.size,
        tasks: ask.tasks,
        engine: ask.engine.clone(),
        contender: ask.contender.clone(),
        version: entry.version.clone(),
        per_second: timed.times.len() as f64 / timed.cost.took.as_secs_f64(),
        p50_us: percentile(&timed.times, 50),
        p99_us: percentile(&timed.times, 99),
        longest_us: percentile(&timed.times, 100),
        cpu_us: timed.cost.processor.as_secs_f64() * 1e6 / done,
        allocations: timed.cost.asked.map(|number| number as f64 / done),
        bytes,
        kept: timed.kept,
        live: ask.live,
        durable: entry.durable,
    }
}
