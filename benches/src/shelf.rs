//! What a store is made of, as its owner would ask it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cloakroom_contest::Result;
use redis::aio::MultiplexedConnection;

use crate::table::Table;

/// Where sessions lie.
pub(crate) enum Shelf {
    /// In this process, or with the visitors.
    Nowhere,
    /// In a database's table.
    Table(Table),
    /// In a database of a Redis server, which has nothing else in it.
    Redis(MultiplexedConnection),
    /// In files.
    Folder(PathBuf),
}

impl Shelf {
    /// How much it keeps for each of `live` sessions.
    #[expect(clippy::cast_precision_loss, reason = "nobody stores that much")]
    pub(crate) async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        let all = match self {
            Self::Nowhere => return Ok(None),
            Self::Table(table) => table.bytes().await?,
            Self::Redis(connection) => memory(connection.clone()).await? * live as f64,
            Self::Folder(path) => blocks(path)? as f64,
        };
        Ok(Some(all / live.max(1) as f64))
    }

    /// The table, if that is what it is.
    pub(crate) fn table(&self) -> Result<&Table> {
        match self {
            Self::Table(table) => Ok(table),
            _ => Err("it is no table".into()),
        }
    }
}

/// Of some keys drawn by lot.
async fn memory(mut connection: MultiplexedConnection) -> Result<f64> {
    const DRAWS: u32 = 100;
    let mut all = 0.0;
    for _ in 0..DRAWS {
        let key: Vec<u8> = redis::cmd("RANDOMKEY").query_async(&mut connection).await?;
        let bytes: f64 = redis::cmd("MEMORY").arg("USAGE").arg(key).query_async(&mut connection).await?;
        all += bytes;
    }
    Ok(all / f64::from(DRAWS))
}

/// What the files take on the disk, which is more than they have.
fn blocks(folder: &Path) -> Result<u64> {
    let mut all = 0;
    for entry in std::fs::read_dir(folder)? {
        let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata()))?;
        let metadata = metadata?;
        all += if metadata.is_dir() { blocks(&path)? } else { metadata.blocks() * 512 };
    }
    Ok(all)
}
