//! What a run of the contest is to measure.

use crate::error::{Error, Result};

/// The operations, by their names in tables; `sweep` is no cell among them.
const OPERATIONS: [&str; 7] = ["load", "create", "save", "touch", "rotate", "delete", "update"];
/// Everybody's store is filled by statements with what this removes.
pub(crate) const SWEEP: &str = "sweep";
/// Six names; and a large session.
pub(crate) const SMALL: u64 = 300;
const LARGE: u64 = 4_096;
const LIVE: u64 = 1_000;
/// How often everybody is visited, unless it is to be quick.
pub(crate) const ROUNDS: usize = 7;
/// What the costs of a thousand are held against.
const ROWS: [u64; 3] = [100_000, 1_000_000, 5_000_000];
/// Each takes a block and an inode.
const MOST_FILES: u64 = 500_000;
/// The engines whose stores are made to grow: a cache keeps only what is in use, a cookie is with its visitor, a Cluster is several
/// servers.
const GROWING: [&str; 7] = ["memory", "moka", "sqlite", "file", "postgres", "mariadb", "redis"];

/// One operation, of sessions of one size, by so many tasks, among so many sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Cell {
    pub(crate) table: &'static str,
    pub(crate) size: u64,
    pub(crate) tasks: u64,
    pub(crate) live: u64,
}

impl Cell {
    /// Whether it takes more sessions than anybody but an engine and its driver can be given.
    pub(crate) fn is_grown(&self) -> bool {
        self.live > LIVE
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Short rounds, few of them.
    pub(crate) quick: bool,
    /// Also cost against the number of sessions.
    sizes: bool,
    engines: Vec<String>,
    operations: Vec<String>,
}

impl Plan {
    /// What the arguments ask for.
    ///
    /// # Errors
    ///
    /// `Usage` for an unknown option.
    pub(crate) fn read(arguments: &[String]) -> Result<Self> {
        let mut plan = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--quick" => plan.quick = true,
                "--sizes" => plan.sizes = true,
                option if option.starts_with('-') => {
                    return Err(Error::Usage(format!("`bench` has no option `{option}`")));
                }
                name if name == SWEEP || OPERATIONS.contains(&name) => plan.operations.push(name.to_owned()),
                name => plan.engines.push(name.to_owned()),
            }
        }
        Ok(plan)
    }

    /// Sees that each name is in that of an operation or of one of these engines.
    ///
    /// # Errors
    ///
    /// `Usage` for one that is in none.
    pub(crate) fn check(&self, engines: &[String]) -> Result<()> {
        let unknown = |name: &&String| !engines.iter().any(|engine| engine.contains(name.as_str()));
        match self.engines.iter().find(unknown) {
            None => Ok(()),
            Some(name) => {
                let known = engines.join("`, `");
                Err(Error::Usage(format!("`{name}` is in no operation's name and in no engine's: `{known}`")))
            }
        }
    }

    /// Whether it leaves something out.
    pub(crate) fn is_filtered(&self) -> bool {
        !self.engines.is_empty() || !self.operations.is_empty()
    }

    pub(crate) fn wants(&self, engine: &str) -> bool {
        self.engines.is_empty() || self.engines.iter().any(|name| engine.contains(name.as_str()))
    }

    /// How often everybody is visited, an odd number.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { ROUNDS }
    }

    /// How long a visit is.
    pub(crate) fn milliseconds(&self) -> u64 {
        if self.quick { 40 } else { 250 }
    }

    /// What is measured on one engine, cells of the same sessions together.
    pub(crate) fn cells(&self, engine: &str) -> Vec<Vec<Cell>> {
        let mut all = vec![self.ordinary(SMALL), self.ordinary(LARGE)];
        // More than a cookie holds.
        if engine == "cookie" {
            all.pop();
        }
        // InnoDB takes minutes to have 100,000 rows put there and taken away.
        if !self.quick || engine != "mariadb" {
            all.push(vec![Cell { table: SWEEP, size: SMALL, tasks: 1, live: LIVE }]);
        }
        if self.sizes && GROWING.contains(&engine) {
            let mut numbers =
                ROWS.map(|rows| if engine == "file" { rows.min(MOST_FILES) } else { rows }).to_vec();
            numbers.dedup();
            let grown =
                |live| ["load", "save"].map(|table| Cell { table, size: SMALL, tasks: 64, live }).to_vec();
            all.extend(numbers.into_iter().map(grown));
        }
        for group in &mut all {
            group.retain(|cell| self.includes(cell.table));
        }
        all.retain(|group| !group.is_empty());
        all
    }

    fn ordinary(&self, size: u64) -> Vec<Cell> {
        let cells =
            OPERATIONS.iter().flat_map(|table| [1, 64].map(|tasks| Cell { table, size, tasks, live: LIVE }));
        // What a quick run shows is what most requests do, and what carries a large session.
        let is_usual = |cell: &Cell| match size {
            SMALL => cell.tasks == 1 || !["touch", "rotate", "delete"].contains(&cell.table),
            _ => ["load", "save"].contains(&cell.table),
        };
        cells.filter(|cell| !self.quick || is_usual(cell)).collect()
    }

    fn includes(&self, table: &str) -> bool {
        self.operations.is_empty() || self.operations.iter().any(|name| name == table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(arguments: &[&str]) -> Result<Plan> {
        Plan::read(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_of_operations_and_of_engines_leave_out_all_others() {
        let plan = plan(&["save", "redis"]).unwrap();
        assert!(
            plan.is_filtered() && plan.wants("redis") && plan.wants("postgres, redis") && !plan.wants("file")
        );
        assert!(plan.cells("redis").concat().iter().all(|cell| cell.table == "save"));
    }

    #[test]
    fn a_name_of_neither_an_engine_nor_an_operation_is_wrong_usage() {
        let plan = plan(&["sqlit", "--quick"]).unwrap();
        assert!(plan.check(&["sqlite".to_owned()]).is_ok());
        assert!(
            matches!(plan.check(&["redis".to_owned()]), Err(Error::Usage(what)) if what.contains("`sqlit`"))
        );
    }

    #[test]
    fn unknown_option_is_wrong_usage() {
        assert!(matches!(plan(&["--slow"]), Err(Error::Usage(_))));
    }

    #[test]
    fn no_cookie_is_asked_for_more_than_it_holds() {
        let cells = plan(&[]).unwrap().cells("cookie").concat();
        assert!(cells.iter().all(|cell| cell.size < LARGE));
    }

    #[test]
    fn stores_grow_to_five_million_sessions_and_files_to_half_a_million() {
        let plan = plan(&["--sizes", "load"]).unwrap();
        let most = |engine| plan.cells(engine).concat().iter().map(|cell| cell.live).max();
        assert_eq!(most("sqlite"), Some(5_000_000));
        assert_eq!(most("file"), Some(500_000));
    }

    #[test]
    fn no_cell_is_measured_twice() {
        let plan = plan(&["--sizes"]).unwrap();
        for engine in GROWING {
            let cells = plan.cells(engine).concat();
            for (place, cell) in cells.iter().enumerate() {
                assert!(!cells[..place].contains(cell), "{engine}: {cell:?}");
            }
        }
    }

    #[test]
    fn a_median_of_rounds_is_one_of_them() {
        for arguments in [&["--quick"][..], &[]] {
            assert_eq!(plan(arguments).unwrap().rounds() % 2, 1);
        }
    }
}
