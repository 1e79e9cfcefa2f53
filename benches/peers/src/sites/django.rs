//! Django, in a process of its own: `django_site.py`, by a Python that has what `requirements.txt` names.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::{Served, Site};
use crate::Result;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/django_site.py");
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/requirements.txt");

pub(crate) async fn on_both(folder: &Path, redis: &str) -> Result<[Site; 2]> {
    let python = python(&env::current_exe()?.with_file_name("django")).await;
    let file = folder.join("django.sqlite3");
    Ok([
        site("SQLite", &python, "db", &file.to_string_lossy()).await?,
        site("Redis", &python, "cache", redis).await?,
    ])
}

async fn site(
    engine: &'static str,
    python: &std::result::Result<PathBuf, &'static str>,
    setting: &str,
    place: &str,
) -> Result<Site> {
    let served = match python {
        Ok(python) => Ok(serve(python, setting, place).await?),
        Err(why) => Err(*why),
    };
    Ok(Site { library: "Django", engine, served })
}

async fn serve(python: &Path, setting: &str, place: &str) -> Result<Served> {
    let mut program = Command::new(python);
    // It ends when its standard input does, which is ours to hold.
    program.args([PROGRAM, setting, place]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = program.spawn()?;
    let output = process.stdout.take().ok_or("Django has no standard output")?;
    let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
    let (version, url) = line.split_once(' ').ok_or("Django has not started, and says above why")?;
    Ok(Served { version: version.to_owned(), url: url.to_owned(), _process: Some(process) })
}

/// A Python with Django, in a folder of its own, or why there is none.
async fn python(folder: &Path) -> std::result::Result<PathBuf, &'static str> {
    if !succeeds(Command::new("python3").args(["-m", "venv"]).arg(folder)).await {
        return Err("no Python with venv and pip");
    }
    let python = folder.join("bin/python");
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS];
    if succeeds(Command::new(&python).args(install)).await { Ok(python) } else { Err("no Django from pip") }
}

async fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).status().await.is_ok_and(|status| status.success())
}
