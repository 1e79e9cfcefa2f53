//! All contenders, round by round.

use std::{fs, path::Path, time::Duration};

use tempfile::TempDir;

use crate::{
    Outcome,
    contender::{CONTENDERS, Contender, Program, Route},
    load::{CONNECTIONS, SCRIPT, count, load},
    sample::{Sample, Samples},
    served::Served,
    visitor::Visitor,
};

/// How many sessions there are.
const VISITORS: usize = 32;

/// How long it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contest {
    pub(crate) rounds: usize,
    /// Of one contender at one route in one round; whole seconds.
    pub(crate) span: Duration,
}

/// A contender that is being served.
struct Stand {
    contender: &'static Contender,
    served: Served,
    visitors: Vec<Visitor>,
    samples: Vec<Samples>,
}

impl Contest {
    /// Runs all rounds, and prints what came of them.
    ///
    /// # Errors
    ///
    /// If wrk is missing, a site does not start, or one of ours answers wrongly.
    pub(crate) async fn run(&self, names: &[&str]) -> Outcome {
        cloakroom_servers::install::install(&["wrk"])?;
        let folder = TempDir::new()?;
        let script = folder.path().join("load.lua");
        fs::write(&script, SCRIPT)?;
        let mut stands = Vec::new();
        for contender in CONTENDERS.iter().filter(|contender| is_meant(contender, names)) {
            if let Some(variable) = contender.lacks() {
                eprintln!("{contender}: left out, there is no {variable}");
                continue;
            }
            let stand = Stand::open(contender).await.map_err(|error| format!("{contender}: {error}"))?;
            stands.push(stand);
        }
        // The first round warms up.
        for round in 0..=self.rounds {
            for stand in &mut stands {
                let asked = stand.round(&script, self.span, round > 0).await;
                asked.map_err(|error| format!("{}: {error}", stand.contender))?;
            }
            eprintln!("round {round} of {}", self.rounds);
        }
        for stand in &stands {
            stand.report();
        }
        Ok(())
    }
}

fn is_meant(contender: &Contender, names: &[&str]) -> bool {
    names.is_empty() || names.iter().any(|name| contender.to_string().contains(name))
}

impl Stand {
    async fn open(contender: &'static Contender) -> Outcome<Self> {
        let served = Served::start(contender).await?;
        let mut visitors = Vec::new();
        for _ in 0..VISITORS {
            visitors.push(Visitor::login(&served.address).await?);
        }
        let samples = contender.routes.iter().copied().map(Samples::of).collect();
        let mut stand = Self { contender, served, visitors, samples };
        stand.answers_rightly().await?;
        Ok(stand)
    }

    /// A session of its own is read, changed and read again.
    async fn answers_rightly(&mut self) -> Outcome {
        let mut visitor = Visitor::login(&self.served.address).await?;
        for path in ["/bare", "/untouched"] {
            if visitor.send("GET", path).await? != "done" {
                return Err(format!("{path} answers something else").into());
            }
        }
        for expected in 0..3 {
            let (read, changed) = (visitor.count().await?, visitor.change().await?);
            if (read, changed) != (expected, expected + 1) {
                return Err(format!("{expected} is read as {read} and becomes {changed}").into());
            }
        }
        Ok(())
    }

    /// Asks for every route once.
    async fn round(&mut self, script: &Path, span: Duration, counts: bool) -> Outcome {
        for place in 0..self.samples.len() {
            let route = self.samples[place].route;
            let before = self.counted().await?;
            let begun = self.served.processor_time()?;
            let load = load(script, &self.served.address, route, &self.visitors, span).await?;
            let spent = self.served.processor_time()?.saturating_sub(begun);
            // A write that is late may bring an older count back, where a library has no answer to that.
            let grown = self.counted().await?.saturating_sub(before);
            if load.requests == 0 || load.broken > 0 {
                return Err(format!(
                    "{} requests to {} were answered, {} not",
                    load.requests,
                    route.path(),
                    load.broken
                )
                .into());
            }
            let samples = &mut self.samples[place];
            samples.refused += load.refused;
            if route == Route::Change && !self.contender.is_borne() {
                samples.lost += (load.requests - load.refused).saturating_sub(grown);
            }
            let most = if route == Route::Change { load.requests + CONNECTIONS } else { 0 };
            let wrong = samples.lost + samples.refused > 0 || grown > most;
            if wrong && self.contender.program() == Program::Here {
                return Err(format!("{load:?}, and the sessions count {grown} more").into());
            }
            if counts {
                samples.all.push(Sample { load, cpu_us: spent.as_secs_f64() * 1e6 / count(load.requests) });
            }
        }
        self.answers_rightly().await
    }

    /// What all sessions count together.
    async fn counted(&mut self) -> Outcome<u64> {
        let mut sum = 0;
        for visitor in &self.visitors {
            // A cookie that comes back is left: those of the load stay what they were.
            sum += visitor.clone().count().await?;
        }
        Ok(sum)
    }

    fn report(&self) {
        for samples in &self.samples {
            let version = match samples.route {
                Route::Bare => self.contender.framework_version(),
                _ => &self.served.version,
            };
            println!("{}", samples.line(self.contender, version));
            eprintln!(
                "{:<45} {:<10} {:>8.0}/s {:>7.1} µs of processor, p99 {:>6.0} µs, {} lost, {} refused",
                self.contender.to_string(),
                samples.route.path(),
                samples.per_second(),
                samples.median(|sample| sample.cpu_us),
                samples.median(|sample| sample.load.p99_us),
                samples.lost,
                samples.refused,
            );
        }
    }
}
