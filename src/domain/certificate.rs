//! The dates of the certificate in a TLS Secret.
//!
//! A certificate is public: whoever connects is shown it. Of a Secret's values nothing else is looked at, and of the
//! certificate only until when it is valid: adapters call [`noted`] before they blank the values.
//!
//! Absent on purpose: verification, the key, any field but the validity.

use super::time::{Timestamp, rfc3339};
use chrono::{NaiveDateTime, TimeZone as _, Utc};
use serde_json::{Value, json};

/// Member of a Secret as reads give it: `{notBefore, notAfter}`, RFC 3339, of the first certificate in `tls.crt`.
pub const MEMBER: &str = "certificate";
/// More than any chain needs, in bytes of base64.
const MOST: usize = 256 * 1024;

/// When a certificate begins and ceases to be valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Before this it is not valid yet.
    pub not_before: Timestamp,
    /// After this it is not valid any more.
    pub not_after: Timestamp,
}

/// What to note of a Secret with its values still in it; `None` where it holds no certificate that can be read.
#[must_use]
pub fn noted(secret: &Value) -> Option<Value> {
    let encoded = secret.pointer("/data/tls.crt")?.as_str()?;
    let found = validity(encoded)?;
    Some(json!({"notBefore": rfc3339(found.not_before), "notAfter": rfc3339(found.not_after)}))
}

/// The validity of the first certificate in base64 of PEM, as a Secret holds it. The first is the server's own; those
/// that follow are its issuers.
#[must_use]
pub fn validity(encoded: &str) -> Option<Validity> {
    if encoded.len() > MOST {
        return None;
    }
    let pem = String::from_utf8(base64(encoded)?).ok()?;
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    of_der(&base64(body)?)
}

/// `Certificate ::= { tbs { [0] version?, serial, signature, issuer, validity { notBefore, notAfter }, … }, … }`
fn of_der(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest, VERSION)?.1;
    }
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        rest = element(rest, tag)?.1;
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let (not_before, rest) = time(validity)?;
    let (not_after, _) = time(rest)?;
    Some(Validity { not_before, not_after })
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Content of an element with that tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    if *found != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long => {
            let (bytes, rest) =
                rest.split_at_checked(long - 0x80).filter(|(it, _)| it.len() <= 4)?;
            (bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
    };
    rest.split_at_checked(length)
}

/// `YYMMDDhhmmssZ` (until 2049) or `YYYYMMDDhhmmssZ`, and what follows it.
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let short = der.first() == Some(&UTC_TIME);
    let (text, rest) = element(der, if short { UTC_TIME } else { GENERALIZED_TIME })?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let century = match text.get(..2)?.parse::<u8>().ok()? {
        _ if !short => "",
        0..=49 => "20",
        _ => "19",
    };
    let at = NaiveDateTime::parse_from_str(&format!("{century}{text}"), "%Y%m%d%H%M%S").ok()?;
    Some((Utc.from_utc_datetime(&at), rest))
}

/// Bytes of base64, line ends aside.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xfff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl req -x509 -newkey ed25519 -days 30 -subj /CN=shop.example.com`, then base64 once more.
    const SHOP: &str = include_str!("../../tests/fixtures/certificate.b64");

    #[test]
    fn the_dates_of_a_certificate_are_read_and_nothing_else_of_its_secret_is_kept() {
        let secret =
            json!({"kind": "Secret", "data": {"tls.crt": SHOP.trim(), "tls.key": "c2VjcmV0"}});
        let noted = noted(&secret).expect("a certificate");
        assert_eq!(
            noted,
            json!({"notBefore": "2026-11-25T21:38:26.000Z", "notAfter": "2026-12-25T21:38:26.000Z"})
        );
    }

    #[test]
    fn what_is_no_certificate_has_no_dates() {
        let whole = SHOP.trim();
        for text in ["", "????", "aGFsbG8=", &whole[..whole.len() / 2], &whole[8..]] {
            assert_eq!(validity(text), None, "{text}");
        }
        assert_eq!(noted(&json!({"kind": "Secret", "data": {"password": "aGFsbG8="}})), None);
    }

    #[test]
    fn lengths_that_reach_past_the_end_are_refused() {
        assert_eq!(element(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1], SEQUENCE), None);
        assert_eq!(element(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1], SEQUENCE), None);
        assert_eq!(element(&[0x30, 2, 1], SEQUENCE), None);
        assert_eq!(element(&[0x30, 0x81, 1, 7, 9], SEQUENCE), Some((&[7][..], &[9][..])));
    }

    #[test]
    fn years_have_two_digits_until_2049_and_four_after_it() {
        let at = |tag: u8, text: &str| {
            let der = [&[tag, u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
            time(&der).map(|(at, _)| rfc3339(at))
        };
        assert_eq!(at(UTC_TIME, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59.000Z"));
        assert_eq!(at(UTC_TIME, "991231235959Z").as_deref(), Some("1999-12-31T23:59:59.000Z"));
        assert_eq!(
            at(GENERALIZED_TIME, "20500101000000Z").as_deref(),
            Some("2050-01-01T00:00:00.000Z")
        );
        assert_eq!(at(UTC_TIME, "491331235959Z"), None);
    }
}
