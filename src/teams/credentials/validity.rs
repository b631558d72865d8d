//! When a certificate ends (RFC 5280, section 4.1; X.690 for the encoding).

use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which certificates of version 1 leave out.
const VERSION: u8 = 0xa0;

/// The last moment at which a certificate in DER is valid; none where it cannot be read.
pub(super) fn end(certificate: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = expect(SEQUENCE, certificate)?;
    let (mut rest, _) = expect(SEQUENCE, certificate)?;
    if let Some((_, after)) = expect(VERSION, rest) {
        rest = after;
    }
    // The serial number, the algorithm of the signature, and the issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        rest = expect(tag, rest)?.1;
    }
    let (validity, _) = expect(SEQUENCE, rest)?;
    let (_, _, after) = element(validity)?;
    let (tag, until, _) = element(after)?;
    moment(tag, std::str::from_utf8(until).ok()?)
}

fn moment(tag: u8, text: &str) -> Option<Timestamp> {
    let text = match tag {
        // Two digits of the year: 1950 to 2049.
        UTC_TIME => {
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let digits = text.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| &digits[from..to];
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    );
    // The end of 9999 means that there is none, and is more than a timestamp holds.
    text.parse().ok().or_else(|| digits.starts_with("9999").then_some(Timestamp::MAX))
}

/// The content of the first element, if it is of this kind, and what follows it.
fn expect(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(der)?;
    (found == tag).then_some((content, rest))
}

/// The first element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn the_end_is_read_in_both_forms() {
        let key = KeyPair::generate().unwrap();
        for (year, end_is) in [
            (2031, "2031-05-06T00:00:00Z"),
            (2049, "2049-05-06T00:00:00Z"),
            (2050, "2050-05-06T00:00:00Z"),
        ] {
            let mut params = CertificateParams::default();
            params.not_after = date_time_ymd(year, 5, 6);
            let certificate = params.self_signed(&key).unwrap();
            assert_eq!(end(certificate.der()), Some(end_is.parse().unwrap()));
        }
        assert_eq!(moment(GENERALIZED_TIME, "99991231235959Z"), Some(Timestamp::MAX));
        assert_eq!(
            moment(UTC_TIME, "500101000000Z"),
            Some("1950-01-01T00:00:00Z".parse().unwrap())
        );
        for bad in ["", "20310506000000", "2031050600000Z", "20311306000000Z", "ä0310506000000Z"] {
            assert_eq!(moment(GENERALIZED_TIME, bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_beyond_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = end(&bytes);
        }
    }
}
