//! Headers against their bytes as `docs/wire-format.md` has them.

use super::*;
use crate::params::Parameters;
use crate::wire::by_hand::{RING, header};

const N12: u64 = 0xcbdc_706c_fd5c_3b9b;

const KINDS: [(MessageKind, u8); 8] = [
    (MessageKind::Input, 1),
    (MessageKind::Reply, 2),
    (MessageKind::EvaluationKeys, 3),
    (MessageKind::SecretKey, 4),
    (MessageKind::Batch, 5),
    (MessageKind::BulkInput, 6),
    (MessageKind::BulkReply, 7),
    (MessageKind::SealedSecretKey, 8),
];

#[test]
fn a_header_is_the_sixteen_bytes_that_the_format_gives_it() {
    for (kind, number) in KINDS {
        assert_eq!(write_header(kind, &RING), header(number));
        let message = [&header(number)[..], b"the rest"].concat();
        assert_eq!(read_header(&message, kind, &RING), Ok(&b"the rest"[..]));
        let foreign = read_foreign_header(&message, kind);
        assert_eq!(foreign, Ok((N12, &b"the rest"[..])));
        assert_eq!(fingerprint(&message), Ok(N12));
    }
}

#[test]
fn a_kind_is_taken_for_no_other() {
    for (expected, number) in KINDS {
        for (_, found) in KINDS {
            let message = header(found);
            let same = found == number;
            assert_eq!(is_of_kind(&message, expected), same);
            let refusal = WireError::Kind { found, expected };
            let read = read_header(&message, expected, &RING);
            assert_eq!(read, if same { Ok(&[][..]) } else { Err(refusal) });
        }
    }
}

#[test]
fn every_byte_of_a_header_counts() {
    let damaged = |at: usize| {
        let mut message = header(1);
        message[at] ^= 0x10;
        message
    };
    let read = |message: &[u8]| read_header(message, MessageKind::Input, &RING).map(<[u8]>::to_vec);
    for at in 0..HEADER_LEN {
        let message = damaged(at);
        let refusal = match at {
            0..4 => WireError::Magic,
            4..6 => WireError::Version {
                found: 1 ^ 0x10 << (8 * (at - 4)),
                expected: 1,
            },
            6 => WireError::Kind {
                found: 0x11,
                expected: MessageKind::Input,
            },
            7 => WireError::Fields {
                what: "the header".to_owned(),
                reason: "byte 7 is 16, not 0".to_owned(),
            },
            _ => WireError::ParameterSet {
                found: N12 ^ 0x10 << (8 * (at - 8)),
                expected: N12,
                name: "n12".to_owned(),
            },
        };
        assert_eq!(read(&message), Err(refusal), "byte {at}");
        // The kind and what follows it are not what these ask about.
        assert_eq!(is_of_kind(&message, MessageKind::Input), at > 6);
        let found = fingerprint(&message);
        match at {
            0..6 => assert_eq!(found, read(&message).map(|_| 0)),
            6..8 => assert_eq!(found, Ok(N12)),
            _ => assert_eq!(found, Ok(N12 ^ 0x10 << (8 * (at - 8)))),
        }
    }
}

#[test]
fn cut_headers_say_what_is_left_of_them() {
    for found in 0..HEADER_LEN {
        let message = &header(1)[..found];
        let refusal = WireError::Truncated {
            what: "the header".to_owned(),
            needed: 16,
            found,
        };
        assert_eq!(fingerprint(message), Err(refusal.clone()));
        assert!(!is_of_kind(message, MessageKind::Input));
        let read = read_foreign_header(message, MessageKind::Input);
        assert_eq!(read, Err(refusal));
    }
}

/// A key file is opened before anybody knows for which parameter set it is.
#[test]
fn a_foreign_header_may_be_of_any_parameter_set() {
    let [_, nested] = crate::params::test_sets();
    let nested = Ring::new(Parameters::new(nested).expect("sound"));
    let message = write_header(MessageKind::SecretKey, &nested);
    let found = 0x2aad_a730_0bd4_6df9;
    let foreign = read_foreign_header(&message, MessageKind::SecretKey);
    assert_eq!(foreign, Ok((found, &[][..])));
    let refusal = WireError::ParameterSet {
        found,
        expected: N12,
        name: "n12".to_owned(),
    };
    let own = read_header(&message, MessageKind::SecretKey, &RING);
    assert_eq!(own, Err(refusal));
}
