//! What a session adds to a request within the process: no socket and no client, a framework's service called as it is.
//!
//! The allocations of a request whose session nobody touches, beyond those of the bare framework, are printed first: the boxes
//! that a framework makes for any layer are among them.

use std::env;
use std::time::{Duration, Instant};

use actix_web::test::{TestRequest, call_service, init_service};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{COOKIE, HeaderValue, SET_COOKIE};
use cloakroom::actix::SessionMiddleware;
use cloakroom::axum::SessionLayer;
use cloakroom_benches::site::{self, engine};
use criterion::{Criterion, criterion_group, criterion_main};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The variable that names the server is of those that need one.
const ENGINES: [(&str, Option<&str>); 8] = [
    ("memory", None),
    ("moka", None),
    ("sqlite", None),
    ("file", None),
    ("signed_cookies", None),
    ("cached_db", None),
    ("postgres", Some("POSTGRES_URL")),
    ("redis", Some("REDIS_URL")),
];

fn run(criterion: &mut Criterion) -> Outcome {
    on_axum(criterion)?;
    on_actix(criterion)
}

fn on_axum(criterion: &mut Criterion) -> Outcome {
    let runtime = Runtime::new()?;
    let mut group = criterion.benchmark_group("axum");
    for engine in here() {
        let folder = TempDir::new()?;
        let (sessions, cookie) = runtime.block_on(engine::open(engine, folder.path()))?;
        let site = site::tower::site(SessionLayer::with(sessions, cookie));
        let cookie = runtime.block_on(login(&site))?;
        let ask = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).header(COOKIE, &cookie);
            site.clone().oneshot(request.body(Body::empty()).unwrap_or_default())
        };
        if engine == "memory" {
            allocations("axum", |path| drop(runtime.block_on(ask("GET", path))));
            for path in ["/bare", "/untouched"] {
                group.bench_function(&path[1..], |bencher| {
                    bencher.to_async(&runtime).iter(|| ask("GET", path));
                });
            }
        }
        for (method, path) in [("GET", "/read"), ("POST", "/change")] {
            group.bench_function(format!("{} {engine}", &path[1..]), |bencher| {
                bencher.to_async(&runtime).iter(|| ask(method, path));
            });
        }
    }
    group.finish();
    Ok(())
}

async fn login(site: &Router) -> Outcome<String> {
    let request = Request::post("/login").body(Body::empty())?;
    pair(site.clone().oneshot(request).await?.headers().get(SET_COOKIE).map(HeaderValue::as_bytes))
}

fn on_actix(criterion: &mut Criterion) -> Outcome {
    let system = actix_web::rt::System::new();
    let mut group = criterion.benchmark_group("actix");
    for engine in here() {
        let folder = TempDir::new()?;
        let (sessions, cookie) = system.block_on(engine::open(engine, folder.path()))?;
        let app =
            actix_web::App::new().configure(site::actix::site(SessionMiddleware::with(sessions, cookie)));
        let site = system.block_on(init_service(app));
        let login = system.block_on(call_service(&site, TestRequest::post().uri("/login").to_request()));
        let cookie =
            pair(login.headers().get("set-cookie").map(actix_web::http::header::HeaderValue::as_bytes))?;
        let ask = |request: TestRequest, path: &str| {
            call_service(&site, request.uri(path).insert_header(("cookie", &*cookie)).to_request())
        };
        if engine == "memory" {
            allocations("actix", |path| drop(system.block_on(ask(TestRequest::get(), path))));
            for path in ["/bare", "/untouched"] {
                group.bench_function(&path[1..], |bencher| {
                    bencher
                        .iter_custom(|times| system.block_on(timed(times, || ask(TestRequest::get(), path))));
                });
            }
        }
        for (request, path) in
            [(TestRequest::get as fn() -> TestRequest, "/read"), (TestRequest::post, "/change")]
        {
            group.bench_function(format!("{} {engine}", &path[1..]), |bencher| {
                bencher.iter_custom(|times| system.block_on(timed(times, || ask(request(), path))));
            });
        }
    }
    group.finish();
    Ok(())
}

/// The engines that can be here.
fn here() -> impl Iterator<Item = &'static str> {
    ENGINES.into_iter().filter_map(|(engine, variable)| {
        match variable.filter(|name| env::var_os(name).is_none()) {
            None => Some(engine),
            Some(variable) => {
                eprintln!("{engine}: left out, there is no {variable}");
                None
            }
        }
    })
}

/// What the browser sends back of a Set-Cookie.
fn pair(set_cookie: Option<&[u8]>) -> Outcome<String> {
    let set_cookie = str::from_utf8(set_cookie.ok_or("a login sets no cookie")?)?;
    Ok(set_cookie.split(';').next().unwrap_or_default().to_owned())
}

/// Prints how many an untouched session costs.
fn allocations(framework: &str, ask: impl Fn(&str)) {
    let count = |path| allocation_counter::measure(|| ask(path)).count_total;
    // The first requests of a thread fill its pools.
    let (mut bare, mut untouched) = (0, 0);
    for _ in 0..3 {
        (bare, untouched) = (count("/bare"), count("/untouched"));
    }
    println!(
        "{framework}: {} allocations of an untouched session, {bare} of the bare request",
        untouched.saturating_sub(bare)
    );
}

async fn timed<Asked: Future>(times: u64, ask: impl Fn() -> Asked) -> Duration {
    let begun = Instant::now();
    for _ in 0..times {
        ask().await;
    }
    begun.elapsed()
}

fn middleware(criterion: &mut Criterion) {
    if let Err(error) = run(criterion) {
        eprintln!("the benches can't run: {error}");
        std::process::exit(1);
    }
}

criterion_group!(benches, middleware);
criterion_main!(benches);
