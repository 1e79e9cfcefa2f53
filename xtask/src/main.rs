//! The project's own commands, run as `cargo xtask COMMAND`.

mod bench;
mod book;
mod cargo;
mod error;
mod features;
mod floors;
mod fuzz;
mod harness;
mod kept;
mod metadata;
mod proofs;
mod races;
mod release;
mod report;
mod servers;
mod soak;
mod suite;
mod table;
mod test;

use std::{env, process::ExitCode};

use crate::error::{Error, Result};

/// One line of the help text, and what it starts.
struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

const COMMANDS: [Command; 10] = [
    Command {
        name: "test",
        arguments: "",
        about: "format, floors, clippy, docs, the conformance suite and every other test, with servers of their own",
        run: test::run,
    },
    Command {
        name: "bench",
        arguments: "[--quick] [--sizes] [NAME…]",
        about: "the engines beside their bare drivers and other libraries; writes docs/benchmarks.md, unless NAMEs leave something out",
        run: bench::run,
    },
    Command {
        name: "suite",
        arguments: "[--write]",
        about: "the conformance suite alone; --write keeps its tables in docs/engines.md",
        run: suite::run,
    },
    Command {
        name: "races",
        arguments: "[--write]",
        about: "what parallel requests lose, beside other libraries; --write keeps the table in docs/guarantees.md",
        run: races::run,
    },
    Command {
        name: "servers",
        arguments: "[NAME…]",
        about: "private servers and their URLs until Ctrl-C: postgres, mariadb, redis, redis-tls, cluster, sentinel, django",
        run: servers::run,
    },
    Command {
        name: "book",
        arguments: "[--open]",
        about: "the pages of docs as a book in target/book, with all links looked at; --open shows it",
        run: book::run,
    },
    Command {
        name: "floors",
        arguments: "",
        about: "which crate may depend on which, and what each feature compiles",
        run: floors::run,
    },
    Command {
        name: "soak",
        arguments: "[SECONDS] [--write]",
        about: "kills, searches and fuzzing for so long on each engine; --write keeps the counts in docs/guarantees.md",
        run: soak::run,
    },
    Command {
        name: "fuzz",
        arguments: "SECONDS",
        about: "each fuzzer of crates/fuzz for so long; needs cargo-fuzz",
        run: fuzz::command,
    },
    Command {
        name: "release-check",
        arguments: "[--write] [STEP…]",
        about: "what must hold before crates are published: packages, consumers, api, licences, features, docs",
        run: release::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            if matches!(error, Error::Usage(_)) {
                eprintln!("\n{}", help());
            }
            error.exit_code()
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let (name, rest) =
        arguments.split_first().ok_or_else(|| Error::Usage("a command is missing".to_owned()))?;
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        println!("{}", help());
        return Ok(ExitCode::SUCCESS);
    }
    let command = COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| Error::Usage(format!("there is no command `{name}`")))?;
    (command.run)(rest)
}

fn help() -> String {
    let usage = |command: &Command| format!("cargo xtask {} {}", command.name, command.arguments);
    let width = COMMANDS.iter().map(|command| usage(command).chars().count()).max().unwrap_or(0);
    let line = |command: &Command| format!("{:width$}  {}", usage(command), command.about);
    COMMANDS.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_command_with_its_arguments() {
        for command in COMMANDS {
            assert!(help().contains(&format!("cargo xtask {} {}", command.name, command.arguments)));
        }
    }

    #[test]
    fn unknown_command_is_wrong_usage() {
        let refused = dispatch(&["tset".to_owned()]);
        assert!(matches!(refused, Err(Error::Usage(message)) if message.contains("`tset`")));
    }

    #[test]
    fn missing_command_is_wrong_usage() {
        assert!(matches!(dispatch(&[]), Err(Error::Usage(_))));
    }
}
