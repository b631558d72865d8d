//! Whatever comes in: nothing panics, and nothing that was tampered with passes.

use axum::http::HeaderValue;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio::runtime::Runtime;

use super::*;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn judge(
    runtime: &Runtime,
    scene: &Scene,
    authorization: &[u8],
    body: Vec<u8>,
) -> Option<Unverified> {
    let mut sent = request("", &Value::Null);
    let value = HeaderValue::from_bytes(authorization).ok()?;
    sent.headers_mut().insert(AUTHORIZATION, value);
    *sent.body_mut() = Body::from(body);
    runtime.block_on(scene.verifier.admit(sent)).err()
}

#[test]
fn nothing_but_the_token_passes() {
    let runtime = runtime();
    let scene = runtime.block_on(Scene::new());
    let genuine = scene.token();
    runtime.block_on(scene.send(&genuine)).unwrap();
    let tampered = (any::<Index>(), 0_usize..4, "[A-Za-z0-9_.=+/-]");
    proptest!(|((at, how, by) in tampered)| {
        let at = at.index(genuine.len());
        let mut token = genuine.clone();
        match how {
            0 => token.replace_range(at..=at, &by),
            1 => token.insert_str(at, &by),
            2 => token.replace_range(at..=at, ""),
            _ => token.truncate(at),
        }
        prop_assume!(token != genuine);
        let authorization = format!("Bearer {token}");
        let body = activity().to_string().into_bytes();
        prop_assert!(judge(&runtime, &scene, authorization.as_bytes(), body).is_some());
    });
    assert_eq!(runtime.block_on(scene.verdict(&genuine)), Ok(()));
}

#[test]
fn no_header_and_no_body_makes_it_panic() {
    let runtime = runtime();
    let scene = runtime.block_on(Scene::new());
    let genuine = format!("Bearer {}", scene.token());
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    proptest!(|(header in bytes(), body in bytes(), with_token in any::<bool>())| {
        let header = if with_token { genuine.as_bytes() } else { &header };
        if let Some(problem) = judge(&runtime, &scene, header, body) {
            prop_assert_ne!(problem, Unverified::Unread);
        }
    });
}

#[test]
fn no_json_in_a_token_makes_it_panic() {
    let runtime = runtime();
    let scene = runtime.block_on(Scene::new());
    runtime.block_on(scene.send(&scene.token())).unwrap();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        proptest::collection::vec(".{0,5}", 0..3).prop_map(Value::from),
    ];
    let names = proptest::sample::select(vec![
        "alg",
        "kid",
        "jku",
        "jwk",
        "crit",
        "typ",
        "iss",
        "aud",
        "exp",
        "nbf",
        "serviceurl",
    ]);
    proptest!(|(name in names, value in leaf)| {
        let mut header = scene.header();
        let mut claims = json!(scene.claims());
        let part = if header.get(name).is_some() || ["jku", "jwk", "crit"].contains(&name) {
            &mut header
        } else {
            &mut claims
        };
        part[name] = value.clone();
        let token = scene.connector.sign(&header, &claims);
        let outcome = runtime.block_on(scene.verdict(&token));
        let harmless = matches!(name, "typ")
            || (value.is_null() && matches!(name, "jku" | "jwk" | "crit" | "nbf"))
            || (matches!(name, "exp" | "nbf") && value.is_number());
        prop_assert!(outcome.is_err() || harmless, "{name}: {value}");
    });
}
