//! How a session lies in Redis, where others can write as well.

use bytes::Bytes;
use cloakroom_core::ErrorKind;

use crate::kept::{NOW, measured};
use crate::value::{copy, head, record, remembered, stored};

/// A value, read as a record, as its beginning, and as what a cache remembers.
pub fn redis_value(data: &[u8]) -> bool {
    let value = Bytes::copy_from_slice(data);
    let (read, cost) = measured(|| stored(value));
    let most = data.len() as u64 + 512;
    assert!(cost.bytes_total <= most, "{} bytes for {}", cost.bytes_total, data.len());
    match &read {
        Ok(there) => {
            let (deadline, stamp) = head(data).expect("what is a record has a head");
            assert_eq!((deadline, stamp), (there.record.expires_at, there.record.stamp));
            let written = record(&there.record, 7).unwrap();
            assert!(stored(written).unwrap() == *there, "it survives its bytes");
            let copied = copy(there, NOW).unwrap().expect("its revision is its stamp");
            assert!(remembered(copied).unwrap() == (Some(there.clone()), NOW));
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
    }
    let copied = remembered(data.to_vec());
    match &copied {
        Ok((None, _)) => {}
        Ok((Some(there), _)) => assert!(stored(data[7..].to_vec()).unwrap() == *there),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
    }
    read.is_ok() || copied.is_ok()
}
