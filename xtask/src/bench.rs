//! `cargo xtask bench`: the engines side by side with their bare drivers and with other libraries, in ratios of rounds that everybody took part in.

mod contest;
mod estimate;
mod machine;
mod page;
mod picture;
mod plan;
mod program;
mod sample;
mod standing;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use crate::{
    cargo::Cargo,
    error::{Error, Result},
    servers::Servers,
};

use self::{contest::Contest, page::Report, plan::Plan, sample::Sample, standing::Standings};

/// What is left out where there is none, by name.
const SERVERS: [&str; 4] = ["postgres", "mariadb", "redis", "cluster"];
/// The other libraries, from the root of the repository; no member of the workspace.
const PEERS: &str = "benches/peers/Cargo.toml";
/// Where they are built: beside the workspace, whose builds they would otherwise wait for.
const BUILT: &str = "target/peers";
/// Where the samples of the last run are, a line of JSON each, behind what they were measured on.
const SAMPLES: &str = "target/bench/samples.jsonl";
/// The same of the last run that left something out.
const SOME: &str = "target/bench/some.jsonl";
/// Where criterion keeps what it finds.
const CRITERION: &str = "target/criterion";

/// Runs the contest and, unless it is to be quick, whole sites and the criterion benches, and writes docs/benchmarks.md; with names of engines or operations
/// runs the contest among those alone, and writes no page. With `--from FILE…` it runs nothing and makes the page of the samples in these files, and of
/// what criterion has found last.
///
/// # Errors
///
/// `Usage` for an unknown option or name, `Step` if something does not build, `Servers` if one does not start, `Io` for a program that
/// can't be spoken to and a page that can't be written.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if let [option, files @ ..] = arguments
        && option == "--from"
    {
        return from(files);
    }
    let plan = Plan::read(arguments)?;
    build()?;
    let machine = machine::lines();
    let servers = Servers::start(&SERVERS)?;
    let folder = rooted("target");
    let contest = Contest::start(
        &servers,
        &[folder.join("release/engines"), folder.join("peers/release/peers")],
        &[folder.join("release/engines-counted"), folder.join("peers/release/peers-counted")],
    )?;
    plan.check(&contest.engines())?;
    let left_out = contest.left_out();
    let mut samples = contest.run(&plan)?;
    if !plan.quick && !plan.is_filtered() {
        samples.extend(sites(&servers)?);
    }
    let lines = samples.iter().map(Sample::line);
    let lines: String =
        machine.iter().map(|line| machine::kept(line)).chain(lines).map(|line| line + "\n").collect();
    keep(&rooted(if plan.is_filtered() { SOME } else { SAMPLES }), &lines)?;
    if plan.is_filtered() {
        println!("{}", page::text(&Standings::of(&samples)));
        return Ok(ExitCode::SUCCESS);
    }
    let criterion = if plan.quick { Ok(()) } else { criterion(&servers) };
    let estimates = if plan.quick { Vec::new() } else { estimate::all(&rooted(CRITERION)) };
    Report { machine, left_out, standings: Standings::of(&samples), estimates }.write()?;
    criterion.map(|()| ExitCode::SUCCESS)
}

fn from(files: &[String]) -> Result<ExitCode> {
    let (mut samples, mut machine) = (Vec::new(), Vec::new());
    for file in files {
        let text = fs::read_to_string(file)
            .map_err(|source| Error::Io(format!("{file} is not readable"), source))?;
        samples.extend(sample::all(&text));
        machine.extend(text.lines().filter_map(machine::read));
    }
    let estimates = estimate::all(&rooted(CRITERION));
    Report { machine, left_out: Vec::new(), standings: Standings::of(&samples), estimates }.write()?;
    Ok(ExitCode::SUCCESS)
}

fn build() -> Result<()> {
    Cargo::new(&["build", "--release", "--locked", "-p", "cloakroom-benches", "--bins"]).run()?;
    let (peers, built) = (rooted(PEERS), rooted(BUILT));
    let (peers, built) = (peers.to_string_lossy(), built.to_string_lossy());
    Cargo::new(&["build", "--release", "--locked", "--manifest-path", &peers, "--target-dir", &built]).run()
}

/// Whole sites, over HTTP.
fn sites(servers: &Servers) -> Result<Vec<Sample>> {
    let program = rooted("target/release/sites");
    let broken = |source| Error::Io(format!("{} could not be run", program.display()), source);
    let peers = rooted(BUILT).join("release/cloakroom-peers");
    let mut command = Command::new(&program);
    command.envs(servers.variables()).env("PEERS", peers).stderr(Stdio::inherit());
    let output = command.output().map_err(broken)?;
    if !output.status.success() {
        return Err(broken(io::Error::other("it has failed")));
    }
    Ok(sample::all(&String::from_utf8_lossy(&output.stdout)))
}

/// All operations by the statistics of criterion. What it has kept of runs before is removed: it could be of what is no more.
fn criterion(servers: &Servers) -> Result<()> {
    let kept = rooted(CRITERION);
    match fs::remove_dir_all(&kept) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(Error::Io(format!("{} is not removed", kept.display()), source));
        }
        _ => {}
    }
    let benches = Cargo::new(&["bench", "-p", "cloakroom-benches", "--locked"]);
    servers.variables().fold(benches, |benches, (name, value)| benches.env(name, value)).run()
}

fn keep(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|source| Error::Io(format!("{} is not written", path.display()), source))
}

fn rooted(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join(path)
}
