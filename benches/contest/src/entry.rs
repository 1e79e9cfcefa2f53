//! Who takes part.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::{Contender, Entrant, Result, Runner};

/// A contender that is about to be measured.
pub type Opened = Box<dyn Entrant>;

type Opening = Pin<Box<dyn Future<Output = Result<Opened>> + Send>>;

/// A contender, not opened yet.
pub struct Entry {
    /// On which store it works: those with one name are compared.
    pub engine: &'static str,
    /// Its name among them.
    pub contender: &'static str,
    /// In which version.
    pub version: String,
    /// What an acknowledged write survives.
    pub durable: &'static str,
    open: Box<dyn Fn(usize) -> Opening + Send + Sync>,
}

/// An engine that does not take part.
#[derive(Debug)]
pub struct LeftOut {
    /// Its name.
    pub engine: &'static str,
    /// What it would need.
    pub why: String,
}

impl Entry {
    /// A contender that `open` makes, with an empty store for sessions of the given size.
    pub fn new<C, F>(
        engine: &'static str,
        contender: &'static str,
        version: impl Into<String>,
        durable: &'static str,
        open: impl Fn(usize) -> F + Send + Sync + 'static,
    ) -> Self
    where
        C: Contender,
        F: Future<Output = Result<C>> + Send + 'static,
    {
        let open = move |size| -> Opening {
            let opening = open(size);
            Box::pin(async move { Ok(Box::new(Runner::new(opening.await?, size)) as Opened) })
        };
        Self { engine, contender, version: version.into(), durable, open: Box::new(open) }
    }

    /// Opens it, with an empty store for sessions of `size` bytes.
    ///
    /// # Errors
    ///
    /// Whatever its store says.
    pub async fn open(&self, size: usize) -> Result<Opened> {
        (self.open)(size).await
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.contender, self.engine)
    }
}
