//! zlib streams, which no stranger makes larger than the largest session.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::LARGEST;

/// What a stream's header begins with at Django's window size. No pickle and no JSON text does.
pub(crate) const HEADER: u8 = 0x78;

/// The stream of `bytes` at zlib's level 6; none where it is not shorter than `most`.
pub(crate) fn deflated(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut stream = Vec::with_capacity(most);
    let mut compress = Compress::new(Compression::new(6), true);
    let status = compress.compress_vec(bytes, &mut stream, FlushCompress::Finish);
    (status.ok()? == Status::StreamEnd && stream.len() < most).then_some(stream)
}

/// What is in the stream that `bytes` begin with; whatever follows it is ignored. None for what is no whole stream, and for more
/// than [`LARGEST`].
pub(crate) fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decompress = Decompress::new(true);
    let mut plain = Vec::with_capacity(bytes.len().saturating_mul(4).clamp(64, LARGEST));
    loop {
        let read = usize::try_from(decompress.total_in()).ok()?;
        let written = plain.len();
        let status = decompress.decompress_vec(bytes.get(read..)?, &mut plain, FlushDecompress::None).ok()?;
        if status == Status::StreamEnd {
            return Some(plain);
        }
        if plain.len() < plain.capacity() {
            // There was room, and nothing came: the stream is cut.
            let went_on = decompress.total_in() > read as u64 || plain.len() > written;
            went_on.then_some(())?;
        } else if plain.len() >= LARGEST {
            return None;
        } else {
            plain.reserve_exact(plain.len().min(LARGEST - plain.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(bytes: &[u8]) -> Vec<u8> {
        deflated(bytes, bytes.len() + 64).unwrap()
    }

    #[test]
    fn a_stream_says_what_was_put_in_and_ends_where_it_ends() {
        let plain = b"again and again and ".repeat(500);
        let mut longer = stream(&plain);
        longer.extend_from_slice(b"junk");
        assert_eq!(longer[0], HEADER);
        assert_eq!(inflated(&longer), Some(plain));
    }

    #[test]
    fn a_stream_that_is_cut_or_changed_is_none() {
        let plain = b"again and again and ".repeat(5);
        let whole = stream(&plain);
        for at in 0..whole.len() {
            assert_eq!(inflated(&whole[..at]), None, "{at}");
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert_ne!(inflated(&changed), Some(plain.clone()), "{at}");
        }
        let sum = whole.len() - 1;
        let mut changed = whole;
        changed[sum] ^= 1;
        assert_eq!(inflated(&changed), None);
    }

    #[test]
    fn a_bomb_ends_at_the_largest_session() {
        assert_eq!(inflated(&stream(&vec![b' '; LARGEST])).map(|plain| plain.len()), Some(LARGEST));
        assert_eq!(inflated(&stream(&vec![b' '; LARGEST + 1])), None);
    }

    #[test]
    fn what_would_not_get_shorter_is_not_packed() {
        assert_eq!(deflated(b"abc", 3), None);
    }
}
