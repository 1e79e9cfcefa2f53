//! Rounds in which everybody is visited once, so that what else the machine does hits all alike.

use std::path::PathBuf;

use super::{
    plan::{Cell, Plan, SWEEP},
    program::{Answer, Program},
    sample::Sample,
};
use crate::{error::Result, servers::Servers};

/// How long memory is watched: a count is no time.
const COUNTED: u64 = 30;
const FEW: u64 = 100;

/// All contenders, in programs that run.
pub(crate) struct Contest {
    programs: Vec<Program>,
    /// The same ones with an allocator that counts.
    counting: Vec<Program>,
}

impl Contest {
    /// Starts the programs.
    ///
    /// # Errors
    ///
    /// As [`Program::start`].
    pub(crate) fn start(servers: &Servers, timed: &[PathBuf], counting: &[PathBuf]) -> Result<Self> {
        let started = |paths: &[PathBuf]| {
            paths.iter().map(|path| Program::start(path, servers)).collect::<Result<Vec<_>>>()
        };
        Ok(Self { programs: started(timed)?, counting: started(counting)? })
    }

    /// By the first one's order, which is the list's.
    pub(crate) fn engines(&self) -> Vec<String> {
        let mut engines: Vec<String> = Vec::new();
        for (engine, _) in self.programs.iter().flat_map(|program| &program.entries) {
            if !engines.contains(engine) {
                engines.push(engine.clone());
            }
        }
        engines
    }

    /// Each engine that does not take part, and why.
    pub(crate) fn left_out(&self) -> Vec<(String, String)> {
        self.programs.first().map(|program| program.left_out.clone()).unwrap_or_default()
    }

    /// All that the plan wants, with what went wrong on standard error.
    ///
    /// # Errors
    ///
    /// `Io` if a program ends.
    pub(crate) fn run(mut self, plan: &Plan) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for engine in self.engines().iter().filter(|engine| plan.wants(engine)) {
            for cells in plan.cells(engine) {
                eprintln!("{engine}, sessions of {} bytes", cells[0].size);
                let began = samples.len();
                for cell in &cells {
                    // A sweep takes as long as it takes, and what it removes has to be put there.
                    let rounds = if cell.tasks == 1 && cell.table == SWEEP { 1 } else { plan.rounds() };
                    // Only ours, the first program, can be filled by statements.
                    let taking_part = if cell.is_grown() { 1 } else { self.programs.len() };
                    for _ in 0..rounds {
                        visit(
                            &mut self.programs[..taking_part],
                            engine,
                            cell,
                            plan.milliseconds(),
                            &mut samples,
                        )?;
                    }
                }
                eprintln!("  {} samples", samples.len() - began);
                let mut counted = Vec::new();
                for cell in cells.iter().filter(|cell| cell.tasks == 1 && cell.table != SWEEP) {
                    let few = Cell { live: FEW, ..*cell };
                    visit(&mut self.counting, engine, &few, COUNTED, &mut counted)?;
                }
                samples.extend(counted.into_iter().map(Sample::counted));
                for program in self.programs.iter_mut().chain(&mut self.counting) {
                    program.close(engine, cells[0].size)?;
                }
            }
        }
        Ok(samples)
    }
}

/// One round.
fn visit(
    programs: &mut [Program],
    engine: &str,
    cell: &Cell,
    milliseconds: u64,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    for program in programs {
        let here: Vec<_> = program.entries.iter().filter(|(name, _)| name == engine).cloned().collect();
        for (_, contender) in here {
            match program.ask(engine, &contender, cell, milliseconds)? {
                Answer::Sampled(sample) => samples.push(sample),
                Answer::Nothing => {}
                Answer::Failed(why) => eprintln!("  {contender}, {}: {why}", cell.table),
            }
        }
    }
    Ok(())
}
