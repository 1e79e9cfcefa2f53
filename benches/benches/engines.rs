//! Every engine and every bare driver by the statistics of criterion: a group per operation and size, a line per contender and
//! number of tasks. The time is that of one operation, of all tasks together.

use std::time::Duration;

use cloakroom_benches::list;
use cloakroom_contest::{Opened, Operation, Pace, Result};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

/// Six names; and a large session.
const SIZES: [usize; 2] = [300, 4_096];
const TASKS: [usize; 2] = [1, 64];
const LIVE: u64 = 1_000;

fn run(criterion: &mut Criterion) -> Result {
    let runtime = Runtime::new()?;
    let (entries, left_out) = list()?;
    for engine in left_out {
        eprintln!("left out: {}: {}", engine.engine, engine.why);
    }
    for size in SIZES {
        // More than a cookie holds.
        for entry in entries.iter().filter(|entry| entry.engine != "cookie" || size < 3_000) {
            let mut opened = runtime.block_on(entry.open(size))?;
            runtime.block_on(opened.prepare(LIVE))?;
            for operation in Operation::ALL {
                // A sweep is no operation to be repeated: the contest has it.
                if operation == Operation::Sweep || !opened.does(operation) {
                    continue;
                }
                let mut group = criterion.benchmark_group(format!("{} {size} B", operation.name()));
                group
                    .sample_size(10)
                    .warm_up_time(Duration::from_millis(200))
                    .measurement_time(Duration::from_secs(1));
                for tasks in TASKS {
                    let name = BenchmarkId::new(format!("{} on {}", entry.contender, entry.engine), tasks);
                    one(&mut group, name, &runtime, &mut opened, operation, tasks);
                }
            }
            let _inside = runtime.enter();
            drop(opened);
        }
    }
    Ok(())
}

fn one(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: BenchmarkId,
    runtime: &Runtime,
    opened: &mut Opened,
    operation: Operation,
    tasks: usize,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|times| {
            let each = Pace::Times(times.div_ceil(tasks as u64));
            match runtime.block_on(opened.run(operation, tasks, each)) {
                #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
                Ok(timed) => timed.cost.took.mul_f64(times as f64 / timed.times.len().max(1) as f64),
                Err(error) => stop(&error),
            }
        });
    });
}

fn stop(error: &dyn std::fmt::Display) -> ! {
    eprintln!("the benches can't run: {error}");
    std::process::exit(1)
}

fn engines(criterion: &mut Criterion) {
    run(criterion).unwrap_or_else(|error| stop(&error));
}

criterion_group!(benches, engines);
criterion_main!(benches);
