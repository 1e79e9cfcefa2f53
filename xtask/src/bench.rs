//! `cargo xtask bench`: the engines side by side with their bare drivers.

use std::process::ExitCode;

use crate::{
    cargo::Cargo,
    error::{Error, Result},
};

/// Runs the benches whose names contain one of the given ones, or all.
///
/// # Errors
///
/// `Usage` for an unknown option, `Step` if a bench fails.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let criterion = criterion(arguments)?;
    let criterion: Vec<_> = criterion.iter().map(String::as_str).collect();
    Cargo::new(&[&["bench", "-p", "cloakroom-benches", "--locked", "--"][..], &criterion].concat()).run()?;
    Ok(ExitCode::SUCCESS)
}

/// Our arguments in the words of criterion, which takes one filter and reads it as a regular expression.
fn criterion(arguments: &[String]) -> Result<Vec<String>> {
    let (options, names): (Vec<_>, Vec<_>) =
        arguments.iter().cloned().partition(|argument| argument.starts_with('-'));
    if let Some(unknown) = options.iter().find(|option| *option != "--quick") {
        return Err(Error::Usage(format!("`bench` has no option `{unknown}`")));
    }
    let filter = (!names.is_empty()).then(|| names.join("|"));
    Ok(options.into_iter().take(1).chain(filter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criterion_of(arguments: &[&str]) -> Result<Vec<String>> {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        criterion(&arguments)
    }

    #[test]
    fn no_argument_runs_every_bench() {
        assert_eq!(criterion_of(&[]).unwrap(), [""; 0]);
    }

    #[test]
    fn several_names_become_one_filter_that_matches_any() {
        assert_eq!(criterion_of(&["load", "--quick", "save"]).unwrap(), ["--quick", "load|save"]);
    }

    #[test]
    fn unknown_option_is_wrong_usage() {
        assert!(matches!(criterion_of(&["--slow"]), Err(Error::Usage(_))));
    }
}
