//! The scripts, and how they are sent.

use std::sync::LazyLock;

use redis::Cmd;

macro_rules! scripts {
    ($visible:vis, $folder:literal: $($name:ident = $file:literal;)*) => {
        $($visible static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!(concat!($folder, "prelude.lua")), include_str!(concat!($folder, $file))))
        });)*
    };
}

pub(super) static SAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/save.lua")));

scripts! {
    pub(super), "scripts/":
    CREATE = "create.lua";
    TOUCH = "touch.lua";
    ROTATE = "rotate.lua";
    DELETE = "delete.lua";
    SWEEP = "sweep.lua";
    LIST = "list.lua";
    UNLIST = "unlist.lua";
    PUT = "put.lua";
}

/// For a site's cache, whose values and keys are Django's.
pub(super) mod django {
    use super::{LazyLock, Script};

    scripts! {
        pub(in crate::redis), "scripts/django/":
        SAVE = "save.lua";
        TOUCH = "touch.lua";
        ROTATE = "rotate.lua";
        DELETE = "delete.lua";
    }
}

/// Runs in one step in the server, which knows it by its hash once it has seen it.
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// By its hash: what a server has not seen it refuses.
    pub(super) fn by_hash(&self, keys: &[&[u8]], arguments: &[&[u8]]) -> Cmd {
        command("EVALSHA", &self.hash, keys, arguments)
    }

    /// With its code, to be remembered.
    pub(super) fn in_full(&self, keys: &[&[u8]], arguments: &[&[u8]]) -> Cmd {
        command("EVAL", self.code, keys, arguments)
    }
}

fn command(name: &str, script: &str, keys: &[&[u8]], arguments: &[&[u8]]) -> Cmd {
    let sizes = keys.iter().chain(arguments).map(|bytes| bytes.len()).sum::<usize>();
    let mut command = Cmd::with_capacity(3 + keys.len() + arguments.len(), sizes + script.len() + 16);
    command.arg(name).arg(script).arg(keys.len());
    for bytes in keys.iter().chain(arguments) {
        command.arg(*bytes);
    }
    command
}
