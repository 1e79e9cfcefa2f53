//! The commands: which needs what.

use cloakroom::Settings;

use crate::args::{Arguments, Command};
use crate::output::Output;
use crate::run::Run;
use crate::trouble::Trouble;

mod check;
mod clear_expired;
mod completions;
mod copy;
#[cfg(feature = "django")]
mod decode;
mod delete;
mod list;
mod man;
mod migrate;
mod revoke;
mod show;

/// Does what was asked for.
///
/// # Errors
///
/// Why it was not done.
pub(crate) fn run(Arguments { json, command }: Arguments) -> Result<(), Trouble> {
    let mut out = Output::new(json);
    match command {
        // These ask nobody, and end by any signal.
        Command::Completions { shell } => completions::run(shell, &mut out),
        Command::Man { dir } => man::run(dir.as_deref(), &mut out),
        command => {
            let settings = Settings::from_env()?;
            // Of a copy each side has its own.
            if !matches!(command, Command::Copy(_)) {
                settings.check()?;
            }
            #[cfg(feature = "django")]
            if let Command::Decode = command {
                return decode::run(&settings, &mut out);
            }
            Run::until_stopped(settings, out, async move |run| on_sessions(command, run).await)
        }
    }
}

async fn on_sessions(command: Command, run: &mut Run) -> Result<(), Trouble> {
    match command {
        Command::Migrate => migrate::run(run).await,
        Command::ClearExpired => clear_expired::run(run).await,
        Command::List { user } => list::run(run, user.as_deref()).await,
        Command::Show { id } => show::run(run, &id).await,
        Command::Delete { id } => delete::run(run, &id).await,
        Command::Revoke { user } => revoke::run(run, &user).await,
        Command::Copy(copy) => copy::run(run, &copy).await,
        Command::Check => check::run(run).await,
        // What is left has been answered, or is none of this build.
        Command::Decode | Command::Completions { .. } | Command::Man { .. } => {
            Err(Trouble::Usage("this build can't: enable the feature `django` of cloakroom-cli".into()))
        }
    }
}
