//! Nothing is left, however it ends.

use std::{
    any::Any,
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use cloakroom_servers::{Chromium, Cluster, MariaDb, PgBouncer, Postgres, Redis, Sentinel};

use crate::{chromium::opened, output, soon};

/// Set for the owner that is to be killed.
const OWNER: &str = "CLOAKROOM_SERVERS_OWNER";

/// Where to look for what could be left.
struct Traces {
    processes: Vec<u32>,
    folders: BTreeSet<PathBuf>,
    segments: Vec<String>,
}

impl Traces {
    fn of(processes: Vec<u32>) -> Self {
        let folder = |process| {
            let cwd = fs::read_link(format!("/proc/{process}/cwd")).unwrap();
            // Servers change into a folder within theirs: `/tmp/cloakroom-abcdef/data`.
            cwd.components().take(3).collect::<PathBuf>()
        };
        let folders: BTreeSet<_> = processes.iter().map(folder).collect();
        let segment = |folder: &PathBuf| {
            let lock = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
            Some(lock.lines().nth(6)?.split_whitespace().last()?.to_owned())
        };
        let segments = folders.iter().filter_map(segment).collect();
        Self { processes, folders, segments }
    }

    fn left(&self) -> Vec<String> {
        let alive = |process: &&u32| {
            // One that has ended and that nobody has asked about is shown as a zombie.
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
        };
        let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap();
        let segments: Vec<_> = segments.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        let processes = self.processes.iter().filter(alive).map(u32::to_string);
        let folders =
            self.folders.iter().filter(|folder| folder.exists()).map(|folder| folder.display().to_string());
        let segments = self.segments.iter().filter(|segment| segments.contains(&segment.as_str())).cloned();
        processes.chain(folders).chain(segments).collect()
    }
}

/// A server that is kept, and its processes.
type Kept = (Box<dyn Any + Send>, Vec<u32>);

fn kept(server: impl Any + Send, processes: Vec<u32>) -> Kept {
    (Box::new(server), processes)
}

/// One server of each kind, and all their processes.
fn all() -> (Vec<Box<dyn Any + Send>>, Vec<u32>) {
    let starts: [fn() -> Kept; 6] = [
        || {
            let redis = Redis::start().unwrap();
            let id = redis.id().unwrap();
            kept(redis, vec![id])
        },
        || {
            let cluster = Cluster::start().unwrap();
            let ids = cluster.ids();
            kept(cluster, ids)
        },
        || {
            let sentinel = Sentinel::start().unwrap();
            let ids = sentinel.ids();
            kept(sentinel, ids)
        },
        || {
            let mariadb = MariaDb::start().unwrap();
            let id = mariadb.id().unwrap();
            kept(mariadb, vec![id])
        },
        || {
            let postgres = Postgres::start().unwrap();
            let bouncer = PgBouncer::start(&postgres).unwrap();
            let ids = vec![postgres.id().unwrap(), bouncer.id()];
            kept((bouncer, postgres), ids)
        },
        || {
            let chromium = Chromium::start().unwrap();
            opened(&chromium);
            let id = chromium.id();
            kept(chromium, vec![id])
        },
    ];
    let started = starts.map(thread::spawn).into_iter().map(|thread| thread.join().unwrap());
    let (servers, ids): (Vec<_>, Vec<_>) = started.unzip();
    (servers, ids.concat())
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn nothing_is_left_of_servers_that_were_dropped() {
    let (servers, processes) = all();
    let traces = Traces::of(processes);
    assert_eq!((traces.processes.len(), traces.folders.len(), traces.segments.len()), (17, 7, 1));
    assert_eq!(traces.left().len(), 25);
    drop(servers);
    assert_eq!(traces.left(), [""; 0]);
    // They were our children: as long as nobody asks how they ended, their numbers stay taken.
    assert!(traces.processes.iter().all(|process| !Path::new(&format!("/proc/{process}")).exists()));
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn nothing_is_left_of_servers_whose_owner_was_killed() {
    if env::var_os(OWNER).is_some() {
        let (_servers, processes) = all();
        println!("{OWNER} {}", processes.iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
        loop {
            thread::park();
        }
    }
    let name = "gone::nothing_is_left_of_servers_whose_owner_was_killed";
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(OWNER, "")
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let line =
        lines.map_while(Result::ok).find_map(|line| Some(line.split_once(OWNER)?.1.to_owned())).unwrap();
    let traces = Traces::of(line.split_whitespace().map(|id| id.parse().unwrap()).collect());
    assert_eq!(traces.left().len(), 25);
    // All of its group, as Ctrl-C does, and by the signal that nobody can catch.
    let group = format!("-{}", owner.id());
    output("sh", &["-c", "kill -s KILL -- $0", &group]).unwrap();
    owner.wait().unwrap();
    assert!(soon(|| traces.left().is_empty()), "{:?}", traces.left());
}

#[test]
#[ignore = "starts servers: cargo xtask test runs it"]
fn nothing_is_left_of_a_postgres_that_crashed_or_hangs() {
    let mut crashed = Postgres::start().unwrap();
    let mut hanging = Postgres::start().unwrap();
    let traces = Traces::of(vec![crashed.id().unwrap(), hanging.id().unwrap()]);
    crashed.kill().unwrap();
    hanging.pause().unwrap();
    drop((crashed, hanging));
    assert_eq!(traces.left(), [""; 0]);
}
