//! What can be asked for. Doc comments are what `--help` says.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use cloakroom::{Format, SessionId};

/// Where the settings come from, for every page of help.
const SETTINGS: &str = "Settings are those of the application: SESSION_ENGINE, SESSION_DB_URL and so on in the environment, \
                        or in the TOML file that CLOAKROOM_CONFIG names; the environment wins.\n\n\
                        Exit status: 0 done, 1 the work failed, 2 wrong usage or settings.";

/// Looks at the sessions of a web service, ends them, sweeps them and moves them between engines.
#[derive(Debug, Parser)]
#[command(name = "cloakroom", version, after_long_help = SETTINGS, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create or upgrade the tables; running it again changes nothing
    Migrate,
    /// Delete what has expired by now
    #[command(visible_alias = "clearsessions")]
    ClearExpired,
    /// List living sessions
    List {
        /// Only those of this user
        #[arg(long)]
        user: Option<String>,
    },
    /// Show one session and its data
    Show {
        /// As `list` shows it
        #[arg(value_parser = id)]
        id: SessionId,
    },
    /// End one session; it is no error if it has ended already
    Delete {
        /// As `list` shows it
        #[arg(value_parser = id)]
        id: SessionId,
    },
    /// End all sessions of a user
    Revoke {
        /// Whose
        #[arg(long)]
        user: String,
    },
    /// Move all living sessions to another engine, where visitors go on with the keys they have
    ///
    /// They end where they come from: an application that still uses that engine alone logs its visitors out. What is
    /// in the other engine already is left as it is: it can be interrupted and run again. An engine is `db`, `cached_db` (the database behind it), `cache` or `file`;
    /// without a URL it is where the settings say.
    Copy(Copy),
    /// Read a Django `session_data` or signed cookie on standard input and print its JSON
    Decode,
    /// Name settings that weaken security, each with what to change; exits with 1 if one is more than a hint
    Check,
    /// Print completions for a shell
    Completions {
        /// Which one
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder
    Man {
        /// The folder
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Copy {
    // Texts, and no values that clap would quote where they are wrong: a URL may hold a password.
    /// Where they are
    #[arg(long, value_name = "ENGINE[=URL]")]
    pub(crate) from: String,
    /// Where they shall be
    #[arg(long, value_name = "ENGINE[=URL]")]
    pub(crate) to: String,
    /// How they are written there, `native` or `django`; as SESSION_FORMAT says, if it is not given
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from_format: Option<Format>,
}

fn id(text: &str) -> Result<SessionId, &'static str> {
    SessionId::parse(text).ok_or("no session has such an id: `cloakroom list` shows them")
}
