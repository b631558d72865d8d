//! Tests of `signature.rs`.

use axum::http::HeaderValue;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::clock::ManualClock;

const DOC_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const DOC_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const V2_BODY: &str = r#"{"token":"aF5ynEYQH0dFN9imlgcADxDB","team_id":"XXXXXXXXX","api_app_id":"YYYYYYYYY","event":{"type":"app_mention","user":"AAAAAAAAA","text":"<@EEEEEEEEE> hello world","client_msg_id":"477cc591-ch73-a14z-4db8-g0cd76321bec","ts":"1531431954.000073","channel":"TTTTTTTTT","event_ts":"1531431954.000073"},"type":"event_callback","event_id":"TvBP7LRED7","event_time":1531431954,"authed_users":["EEEEEEEEE"]}"#;

fn verifier(secrets: &[&str], now: i64) -> Verifier {
    let keys =
        secrets.iter().filter_map(|secret| SigningKey::new(&SecretString::from(*secret))).collect();
    let clock = ManualClock::new(Timestamp::from_second(now).unwrap());
    Verifier::new(keys, Arc::new(clock), Arc::default())
}

fn headers(timestamp: &[u8], signature: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(TIMESTAMP_HEADER, HeaderValue::from_bytes(timestamp).unwrap());
    headers.insert(SIGNATURE_HEADER, HeaderValue::from_bytes(signature).unwrap());
    headers
}

fn verdict(
    verifier: &Verifier,
    timestamp: &str,
    signature: &str,
    body: &[u8],
) -> Result<(), Unverified> {
    let headers = headers(timestamp.as_bytes(), signature.as_bytes());
    verifier.verify(&headers, Bytes::copy_from_slice(body)).map(|_| ())
}

#[test]
fn published_signatures_are_accepted() {
    let doc = DOC_SECRET;
    let emoji = "command=%2Fconnect&text=é🔔".as_bytes();
    let vectors: [(&str, &str, &[u8], &str); 7] = [
        (
            doc,
            "1531420618",
            DOC_BODY.as_bytes(),
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
        (
            "e6b19c573432dcc6b075501d51b51bb8",
            "1531431954",
            V2_BODY.as_bytes(),
            "v0=adada4ed31709aef585c2580ca3267678c6a8eaeb7e0c1aca3ee57b656886b2c",
        ),
        (
            "fa2c05deeef5a4077494e89f54394de0",
            "1531420618",
            b"test-body",
            "v0=baa91ef62d346e56607bbdd278a8acd570b91226854f15a382f43d33be42f666",
        ),
        (
            doc,
            "1531420618",
            b"",
            "v0=55f41ec73231010289b54e669149ea021fccab11b5524355523533ce930cb739",
        ),
        (
            doc,
            "1531420618",
            b"command=%2Fconnect&text=\xff\xfe\x00",
            "v0=3cab0f6141f042ae8298075ffbf6888da55af1fe28b102ba947511ef4bfaaf0d",
        ),
        (
            doc,
            "1531420618",
            emoji,
            "v0=cf2456fd64c2e643be140c9843075cc35463c7f37edc1f4cfbca03abbd1762be",
        ),
        (
            doc,
            "1531420618",
            b"command=%2Fconnect&text=%C3%A9%F0%9F%94%94",
            "v0=64d803469eb179377dba9a8e066c9b40dc530768dee3ed4ca1eabd90899c6d57",
        ),
    ];
    for (secret, timestamp, body, signature) in vectors {
        let now = timestamp.parse().unwrap();
        assert_eq!(verdict(&verifier(&[secret], now), timestamp, signature, body), Ok(()));
        // The same with a newer secret beside it, on either side.
        for secrets in [["new secret", secret], [secret, "new secret"]] {
            assert_eq!(verdict(&verifier(&secrets, now), timestamp, signature, body), Ok(()));
        }
    }
}

#[test]
fn a_signature_made_with_an_empty_secret_is_never_accepted() {
    let signature = "v0=84f0c05aa2651719be4d0104de937ec93a758e32b74874047c7fe086f7b25e13";
    let body = br#"{"foo":"bar"}"#;
    for secrets in [&[""][..], &[" "], &["", DOC_SECRET], &[]] {
        let verifier = verifier(secrets, 1_531_420_618);
        assert_eq!(verdict(&verifier, "1531420618", signature, body), Err(Unverified::Signature));
    }
}

#[test]
fn five_minutes_either_way_are_tolerated_and_not_a_second_more() {
    let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
    let now = 1_531_420_618;
    for (offset, expected) in [
        (-301, Err(Unverified::ClockSkew)),
        (-300, Ok(())),
        (0, Ok(())),
        (300, Ok(())),
        (301, Err(Unverified::ClockSkew)),
    ] {
        let timestamp = (now + offset).to_string();
        let signature = key.sign(VERSION, timestamp.as_bytes(), b"x");
        let verifier = verifier(&[DOC_SECRET], now);
        assert_eq!(verdict(&verifier, &timestamp, &signature, b"x"), expected, "{offset}");
        // A stranger cannot raise the alarm about clocks.
        let forged = signature.replace(|c: char| c.is_ascii_digit(), "a").replacen("va=", "v0=", 1);
        assert_eq!(
            verdict(&verifier, &timestamp, &forged, b"x"),
            Err(Unverified::Signature),
            "{offset}"
        );
    }
}

#[test]
fn headers_have_one_form() {
    let now = 1_531_420_618;
    let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
    let good = key.sign(VERSION, b"1531420618", b"x");
    let of = |timestamp: &[u8]| key.sign(VERSION, timestamp, b"x");
    let cases: [(&[u8], String, Unverified); 12] = [
        (b"1531420618.0", of(b"1531420618.0"), Unverified::Timestamp),
        (b"1.531420618e9", of(b"1.531420618e9"), Unverified::Timestamp),
        (b"+1531420618", of(b"+1531420618"), Unverified::Timestamp),
        (b"-1", of(b"-1"), Unverified::Timestamp),
        (b"", of(b""), Unverified::Timestamp),
        (b"99999999999999999999999", of(b"99999999999999999999999"), Unverified::Timestamp),
        (
            "１５３１４２０６１８".as_bytes(),
            of("１５３１４２０６１８".as_bytes()),
            Unverified::Timestamp,
        ),
        (b"1531420618", good.to_uppercase(), Unverified::Malformed),
        (b"1531420618", good.replacen("v0", "v1", 1), Unverified::Malformed),
        (b"1531420618", good[..good.len() - 2].to_owned(), Unverified::Malformed),
        (b"1531420618", format!("{good}00"), Unverified::Malformed),
        (b"1531420618", format!("v0={}", "ö".repeat(32)), Unverified::Malformed),
    ];
    for (timestamp, signature, problem) in cases {
        let headers = headers(timestamp, signature.as_bytes());
        let verifier = verifier(&[DOC_SECRET], now);
        let outcome = verifier.verify(&headers, Bytes::from_static(b"x"));
        assert_eq!(outcome.map(|_| ()), Err(problem), "{signature}");
    }
}

#[test]
fn a_header_given_twice_or_not_at_all_is_refused() {
    let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
    let signature = key.sign(VERSION, b"1531420618", b"x");
    for name in [SIGNATURE_HEADER, TIMESTAMP_HEADER] {
        let verifier = verifier(&[DOC_SECRET], 1_531_420_618);
        let mut twice = headers(b"1531420618", signature.as_bytes());
        let same = twice.get(name).unwrap().clone();
        twice.append(name, same);
        let mut missing = headers(b"1531420618", signature.as_bytes());
        missing.remove(name);
        for headers in [twice, missing] {
            let outcome = verifier.verify(&headers, Bytes::from_static(b"x")).map(|_| ());
            assert_eq!(outcome, Err(Unverified::Headers));
        }
    }
}

#[test]
fn a_signature_counts_once() {
    let key = SigningKey::new(&DOC_SECRET.into()).unwrap();
    let verifier = verifier(&[DOC_SECRET], 1_531_420_618);
    let signature = key.sign(VERSION, b"1531420618", b"x");
    assert_eq!(verdict(&verifier, "1531420618", &signature, b"x"), Ok(()));
    assert_eq!(verdict(&verifier, "1531420618", &signature, b"x"), Err(Unverified::Replayed));
    let other = key.sign(VERSION, b"1531420618", b"y");
    assert_eq!(verdict(&verifier, "1531420618", &other, b"y"), Ok(()));
}

#[test]
fn only_an_exact_ssl_check_is_one() {
    let cases: [(&[u8], bool); 9] = [
        (b"ssl_check=1&token=xxx", true),
        (b"token=xxx&ssl_check=1", true),
        (b"ssl_check=1&payload={}", true),
        (b"ssl_check=0", false),
        (b"ssl_check=true", false),
        (b"ssl_check=", false),
        (b"ssl_check=1&ssl_check=1", false),
        (b"ssl_check=11", false),
        (b"text=ssl_check%3D1", false),
    ];
    for (body, is_one) in cases {
        assert_eq!(is_ssl_check(body), is_one, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_form_is_a_form_with_any_parameters_and_case() {
    let cases = [
        ("application/x-www-form-urlencoded", true),
        ("application/x-www-form-urlencoded; charset=utf-8", true),
        ("Application/X-WWW-Form-Urlencoded ;CHARSET=UTF-8", true),
        ("application/json", false),
        ("application/x-www-form-urlencodedx", false),
        ("", false),
    ];
    for (value, form) in cases {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
        assert_eq!(is_form(&headers), form, "{value}");
    }
}

/// The definition in Slack's documentation, written down as naively as it reads there.
fn reference(secret: &str, now: i64, timestamp: &str, signature: &str, body: &[u8]) -> bool {
    if timestamp.is_empty() || timestamp.bytes().any(|byte| !byte.is_ascii_digit()) {
        return false;
    }
    let Ok(signed_at) = timestamp.parse::<i64>() else { return false };
    if (now - signed_at).abs() > 300 {
        return false;
    }
    let base = [b"v0:", timestamp.as_bytes(), b":", body].concat();
    let mut code =
        <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    hmac::Mac::update(&mut code, &base);
    signature == format!("v0={}", hex::encode(hmac::Mac::finalize(code).into_bytes()))
}

proptest! {
    #[test]
    fn exactly_what_the_definition_accepts_is_accepted(
        offset in -400_i64..400,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        secret_index in 0_usize..3,
        tamper in 0_usize..5,
        at in any::<proptest::sample::Index>(),
    ) {
        let now = 1_531_420_618;
        let secrets = [DOC_SECRET, "second", "a stranger's"];
        let key = SigningKey::new(&secrets[secret_index].into()).unwrap();
        let mut timestamp = (now + offset).to_string();
        let mut signature = key.sign(VERSION, timestamp.as_bytes(), &body);
        let mut body = body;
        match tamper {
            1 => body.push(b'!'),
            2 => timestamp.push('0'),
            3 => {
                let at = at.index(signature.len());
                signature.replace_range(at..=at, "f");
            }
            4 => signature.truncate(at.index(signature.len())),
            _ => {}
        }
        let accepted = verdict(&verifier(&secrets[..2], now), &timestamp, &signature, &body).is_ok();
        let expected = secrets[..2]
            .iter()
            .any(|secret| reference(secret, now, &timestamp, &signature, &body));
        prop_assert_eq!(accepted, expected);
    }
}
