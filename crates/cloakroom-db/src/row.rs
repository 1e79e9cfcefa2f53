//! A row as a record.

use bytes::Bytes;
use cloakroom_core::{Record, Result, SessionId, Stamp, Stored, Timestamp};
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use crate::error::{foreign, while_decoding};

/// A row of payload, deadline, owner and stamp.
pub(crate) fn stored<DB: Database>(row: &DB::Row) -> Result<Stored>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let payload: Vec<u8> = row.try_get(0).map_err(while_decoding)?;
    let owner: Option<Vec<u8>> = row.try_get(2).map_err(while_decoding)?;
    let record = Record::new(
        Bytes::from(payload),
        deadline::<DB>(row, 1)?,
        owner.map(String::from_utf8).transpose().map_err(|_| foreign())?,
        stamp::<DB>(row, 3)?,
    );
    Ok(Stored::stamped(record))
}

pub(crate) fn deadline<DB: Database>(row: &DB::Row, column: usize) -> Result<Timestamp>
where
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let millis: i64 = row.try_get(column).map_err(while_decoding)?;
    Ok(Timestamp::from_millis(u64::try_from(millis).map_err(|_| foreign())?))
}

pub(crate) fn stamp<DB: Database>(row: &DB::Row, column: usize) -> Result<Stamp>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let stamp: Vec<u8> = row.try_get(column).map_err(while_decoding)?;
    Ok(Stamp::from_bytes(stamp.try_into().map_err(|_| foreign())?))
}

/// The id behind them.
pub(crate) fn id<DB: Database>(row: &DB::Row) -> Option<SessionId>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    SessionId::parse(std::str::from_utf8(&raw_id::<DB>(row)?).ok()?)
}

pub(crate) fn raw_id<DB: Database>(row: &DB::Row) -> Option<Vec<u8>>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    row.try_get(4).ok()
}
