//! Engines side by side, one group an operation and size, beside the raw driver call with the same
//! bytes: the limit.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_benches::{Contender, contenders, id, record};
use cloakroom_core::{Read, Revision, Saved};
use criterion::{Criterion, criterion_group, criterion_main};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Six names; and a large session.
const SIZES: [usize; 2] = [300, 4_096];

fn run(criterion: &mut Criterion) -> Outcome {
    let runtime = Runtime::new()?;
    let contenders = runtime.block_on(contenders())?;
    for size in SIZES {
        load(criterion, &runtime, &contenders, size)?;
        save(criterion, &runtime, &contenders, size)?;
        create(criterion, &runtime, &contenders, size);
    }
    Ok(())
}

fn load(criterion: &mut Criterion, runtime: &Runtime, contenders: &[Contender], size: usize) -> Outcome {
    let mut group = criterion.benchmark_group(format!("load {size} B"));
    for Contender { name, backend, folder } in contenders {
        let id = id()?;
        runtime.block_on(backend.create(&id, &record(size, 0)))?;
        group.bench_function(*name, |bencher| {
            bencher.to_async(runtime).iter(|| backend.load(&id, Read::Any));
        });
        if let Some(folder) = folder {
            let pool = raw(runtime, folder.path())?;
            group.bench_function(format!("{name}, raw driver"), |bencher| {
                bencher.to_async(runtime).iter(|| {
                    sqlx::query(
                        "SELECT payload, expires_at, owner, stamp FROM cloakroom_sessions WHERE id = ?",
                    )
                    .bind(id.as_bytes())
                    .fetch_all(&pool)
                });
            });
        }
    }
    group.finish();
    Ok(())
}

fn save(criterion: &mut Criterion, runtime: &Runtime, contenders: &[Contender], size: usize) -> Outcome {
    let mut group = criterion.benchmark_group(format!("save {size} B"));
    for Contender { name, backend, folder } in contenders {
        let id = id()?;
        let Saved::Written(written) = runtime.block_on(backend.create(&id, &record(size, 0)))? else {
            return Err("a fresh id was taken".into());
        };
        let sequence = AtomicU64::new(1);
        let seen: Mutex<Revision> = Mutex::new(written.revision);
        group.bench_function(*name, |bencher| {
            bencher.to_async(runtime).iter(async || {
                let mut seen = seen.lock().await;
                let record = record(size, sequence.fetch_add(1, Ordering::Relaxed));
                if let Ok(Saved::Written(written)) = backend.save(&id, &record, &seen).await {
                    *seen = written.revision;
                }
            });
        });
        if let Some(folder) = folder {
            let pool = raw(runtime, folder.path())?;
            group.bench_function(format!("{name}, raw driver"), |bencher| {
                bencher.to_async(runtime).iter(async || {
                    let record = record(size, 1);
                    sqlx::query(
                        "UPDATE cloakroom_sessions SET payload = ?, expires_at = ?, stamp = ? WHERE id = ?",
                    )
                    .bind(&*record.payload)
                    .bind(i64::try_from(record.expires_at.millis()).unwrap_or_default())
                    .bind(record.stamp.to_bytes().as_slice())
                    .bind(id.as_bytes())
                    .execute(&pool)
                    .await
                });
            });
        }
    }
    group.finish();
    Ok(())
}

fn create(criterion: &mut Criterion, runtime: &Runtime, contenders: &[Contender], size: usize) {
    let mut group = criterion.benchmark_group(format!("create {size} B"));
    for Contender { name, backend, .. } in contenders {
        group.bench_function(*name, |bencher| {
            bencher.to_async(runtime).iter(async || backend.create(&id()?, &record(size, 1)).await);
        });
    }
    group.finish();
}

/// One connection to the engine's own file, as durable as the engine's.
fn raw(runtime: &Runtime, folder: &Path) -> Outcome<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("sessions.sqlite3"))
        .synchronous(sqlx::sqlite::SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().test_before_acquire(false).max_connections(1).connect_with(options);
    Ok(runtime.block_on(pool)?)
}

fn engines(criterion: &mut Criterion) {
    if let Err(error) = run(criterion) {
        eprintln!("the benches can't run: {error}");
        std::process::exit(1);
    }
}

criterion_group!(benches, engines);
criterion_main!(benches);
