//! What somebody writes to a store or a cache who means ill: refused, in bounded time and memory, and never a panic.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use cloakroom_core::{ErrorKind, Portable, Result, SessionFormat, Timestamp};
use cloakroom_django::{Cookie, Pickled, Secrets, Serializer, Signed, Site};

const LARGEST: usize = 16 << 20;

fn site() -> Site {
    Site::new(Secrets::new("secret").unwrap())
}

fn pickled(value: &[u8]) -> Result<String> {
    Pickled::new(site()).json(value)
}

fn is_corrupt(value: &[u8]) -> bool {
    pickled(value).is_err_and(|refused| refused.kind() == ErrorKind::Corrupt)
}

fn session() -> Portable {
    let json =
        r#"{"a":[1,-2.5,"é\ud800"],"größe":{"n":null},"long":12345678901234567890,"_session_expiry":300}"#;
    Pickled::new(site()).decode(&Bytes::from_static(json.as_bytes())).unwrap()
}

/// All that a value can be changed to by a byte, and all that it begins with.
fn altered(value: &[u8]) -> impl Iterator<Item = Bytes> {
    let cut = (0..value.len()).map(|at| Bytes::copy_from_slice(&value[..at]));
    let changed = (0..value.len()).flat_map(move |at| {
        [0x00, 0x01, 0x80, 0xff, b'.', b'(', b':', b'"'].into_iter().map(move |other| {
            let mut value = value.to_vec();
            value[at] = if value[at] == other { other ^ 0x20 } else { other };
            value.into()
        })
    });
    cut.chain(changed)
}

#[test]
fn a_signed_text_that_is_cut_or_changed_is_corrupt() {
    let formats: [Box<dyn SessionFormat>; 2] = [Box::new(Signed::new(site())), Box::new(Cookie::new(site()))];
    for format in formats {
        let value = format.encode(&session(), Timestamp::MIN, LARGEST).unwrap();
        for altered in altered(&value) {
            assert_eq!(format.decode(&altered).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }
}

#[test]
fn a_value_of_a_cache_that_is_cut_or_changed_is_another_session_or_corrupt() {
    let plain = Pickled::new(site());
    for format in [plain.clone(), plain.clone().zlib(true), plain.clone().serializer(Serializer::Json)] {
        let value = format.encode(&session(), Timestamp::MIN, LARGEST).unwrap();
        for altered in altered(&value) {
            match format.decode(&altered) {
                // What is read can be written, and is read as the same again.
                Ok(read) => {
                    let again = format.encode(&read, Timestamp::MIN, LARGEST).unwrap();
                    let again = format.decode(&again).unwrap();
                    assert_eq!((again.expiry, again.entries.len()), (read.expiry, read.entries.len()));
                }
                Err(refused) => assert_eq!(refused.kind(), ErrorKind::Corrupt),
            }
        }
        for at in 0..value.len() {
            assert!(format.decode(&value.slice(..at)).is_err(), "cut at {at}");
        }
    }
}

#[test]
fn a_pickle_that_names_or_calls_anything_is_corrupt() {
    let pickles: [&[u8]; 22] = [
        // GLOBAL and REDUCE: os.system("id").
        b"cos\nsystem\n(S'id'\ntR.",
        b"\x80\x02cposix\nsystem\nq\x00X\x02\x00\x00\x00idq\x01\x85q\x02Rq\x03.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
        // INST, OBJ, NEWOBJ, NEWOBJ_EX, BUILD.
        b"(ios\nsystem\n.",
        b"(No.",
        b"\x80\x02})\x81.",
        b"\x80\x04})}\x92.",
        b"}}b.",
        // PERSID, BINPERSID, EXT1, EXT2, EXT4.
        b"Pid\n.",
        b"NQ.",
        b"\x80\x02\x82\x01.",
        b"\x80\x02\x83\x01\x00.",
        b"\x80\x02\x84\x01\x00\x00\x00.",
        // Sets, bytes, buffers, texts of Python 2.
        b"\x80\x04\x8f.",
        b"\x80\x04(K\x01\x91.",
        b"\x80\x04\x8f(K\x01\x90.",
        b"\x80\x03C\x01a.",
        b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00a.",
        b"\x80\x05\x97.",
        b"U\x01a.",
        b"S'a'\n.",
        b"\x80\x06N.",
    ];
    for pickle in pickles {
        assert!(is_corrupt(pickle), "{}", pickle.escape_ascii());
    }
}

#[test]
fn a_pickle_that_makes_no_sense_is_corrupt() {
    let pickles: [&[u8]; 33] = [
        b"]N(a.",
        b"",
        b".",
        b"N",
        b"(.",
        b"0.",
        b"1.",
        b"2.",
        b"a.",
        b"]a.",
        b"N]a.a.",
        b"}(Nu.",
        b"(Nd.",
        b"]Ns.",
        b"]NNs.",
        b"})Ns.",
        b"N(0u.",
        b"h\x00.",
        b"g0\n.",
        b"j\xff\xff\xff\xff.",
        b"Np-1\n.",
        b"Np99999999999\n.",
        b"I1.5\n.",
        b"I\n.",
        b"I 1\n.",
        b"L0x1L\n.",
        b"Fone\n.",
        b"V\\ud8\n.",
        b"V\\U00110000\n.",
        b"\x8c\x02\xed\xa0.",
        b"\x8c\x01\xff.",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
        b"\x80\x04\x85.",
    ];
    for pickle in pickles {
        assert!(is_corrupt(pickle), "{}", pickle.escape_ascii());
    }
    assert_eq!(pickled(b"N(0.").unwrap(), "null", "a mark that nothing is above goes alone");
}

#[test]
fn a_length_that_is_negative_or_beyond_the_end_is_corrupt() {
    let lengths: [&[u8]; 6] = [
        b"\x8b\xff\xff\xff\xff\x00.",
        b"\x8b\xff\xff\xff\x7f\x00.",
        b"X\xff\xff\xff\xffa.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.",
        b"\x8a\x02\x01.",
    ];
    for pickle in lengths {
        assert!(is_corrupt(pickle), "{}", pickle.escape_ascii());
    }
}

#[test]
fn a_value_that_holds_itself_is_corrupt() {
    assert!(is_corrupt(b"]q\x00h\x00a."));
    assert!(is_corrupt(b"}q\x00(\x8c\x01ah\x00u."));
    // Twice, so that going on to its depth would never end if each was looked at.
    assert!(is_corrupt(b"]q\x00(h\x00h\x00h\x00e."));
    assert!(is_corrupt(b"(]q\x00h\x00tq\x01h\x00h\x01a."));
}

#[test]
fn a_name_is_a_text_or_what_python_makes_one_of() {
    assert_eq!(
        pickled(b"}(K\x01NNN\x88NG\x3f\xf8\0\0\0\0\0\0N\x8c\x01aNu.").unwrap(),
        r#"{"1":null,"null":null,"true":null,"1.5":null,"a":null}"#
    );
    assert!(is_corrupt(b"})Ns."));
    assert!(is_corrupt(b"}]Ns."));
}

/// Each list holds the one before twice: of so many a billion would be written.
#[test]
fn lists_that_double_are_bounded_by_what_would_be_written() {
    let mut pickle = b"]q\x00".to_vec();
    for level in 0..200 {
        pickle.extend_from_slice(&[b']', b'(', b'h', level, b'h', level, b'e', b'q', level + 1]);
    }
    pickle.push(b'.');
    assert!(is_corrupt(&pickle));
}

#[test]
fn a_text_that_is_recalled_is_bounded_by_what_would_be_written() {
    let text = vec![b'a'; 1 << 20];
    let mut pickle = [b"](X".as_slice(), &(1_u32 << 20).to_le_bytes(), &text, b"q\x00"].concat();
    pickle.extend(b"h\x00".repeat(1 << 10));
    pickle.extend_from_slice(b"e.");
    assert!(is_corrupt(&pickle));
}

#[test]
fn depth_is_bounded() {
    let deep = |depth: usize| [b"]".repeat(depth), b"a".repeat(depth - 1), b".".to_vec()].concat();
    assert_eq!(pickled(&deep(990)).unwrap().len(), 2 * 990);
    assert!(is_corrupt(&deep(991)));
    assert!(is_corrupt(&deep(400_000)));
    assert!(is_corrupt(&[b"N".as_slice(), &b"\x85".repeat(1_000_000), b"."].concat()));
    let json = format!("{{\"a\":{}{}}}", "[".repeat(5_000_000), "]".repeat(5_000_000));
    assert!(is_corrupt(json.as_bytes()));
}

#[test]
fn steps_are_bounded() {
    let steps = |opcode: &[u8], count: usize| [b"N".as_slice(), &opcode.repeat(count), b"."].concat();
    for opcode in [b"2".as_slice(), b"\x94", b"(", b"]", b"K\x01", b"N0"] {
        assert!(is_corrupt(&steps(opcode, 1_100_000)), "{}", opcode.escape_ascii());
    }
    assert_eq!(pickled(&steps(b"\x94", 1_000_000)).unwrap(), "null");
}

#[test]
fn what_is_larger_than_any_session_is_corrupt() {
    assert!(is_corrupt(&vec![b'N'; LARGEST + 1]));
    let long = vec![b'x'; LARGEST * 2 + 1];
    assert_eq!(Signed::new(site()).json(&long).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let mut session = Portable::default();
    let numbers = format!("[{}0]", "0,".repeat(600_000));
    session.entries.push(("n".to_owned(), numbers.into()));
    let refused = |format: &dyn SessionFormat, limit| {
        format.encode(&session, Timestamp::MIN, limit).map_err(|e| e.kind())
    };
    assert_eq!(refused(&Pickled::new(site()), LARGEST), Err(ErrorKind::TooLarge), "of steps");
    let json = Pickled::new(site()).serializer(Serializer::Json);
    assert_eq!(refused(&json, 1 << 20), Err(ErrorKind::TooLarge), "of bytes");
    assert!(refused(&json, LARGEST).is_ok());
    session.entries[0].1 = format!("\"{}\"", "é".repeat(LARGEST / 6)).into();
    let refused = Signed::new(site()).encode(&session, Timestamp::MIN, usize::MAX).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge, "each é is six bytes");
}

#[test]
fn a_value_that_is_no_json_is_invalid() {
    for value in ["", "nope", "1 2", "\"", "{\"a\":1", "\u{feff}1"] {
        let mut session = Portable::default();
        session.entries.push(("a".to_owned(), value.into()));
        for format in [&Pickled::new(site()) as &dyn SessionFormat, &Signed::new(site())] {
            let refused = format.encode(&session, Timestamp::MIN, LARGEST).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Invalid, "{value}");
        }
    }
}

#[test]
fn nothing_shows_a_secret_or_a_session() {
    let (signed, pickled) = (Signed::new(site()), Pickled::new(site()));
    let shown = format!("{signed:?} {pickled:?} {:?} {:?}", Cookie::new(site()), session());
    for hidden in ["115, 101", "secret\"", "größe", "123456"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    let refused = signed.decode(&Bytes::from_static(b"payload:1:signature")).unwrap_err();
    assert!(!format!("{refused:?}").contains("payload"), "{refused:?}");
}
