//! Every way known to pass for the Bot Connector, row by row of what the SDKs were measured to do.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RsaEncoding,
};
use axum::body::to_bytes;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;
use crate::refused::CausedBy;

/// What is changed about a genuine request.
type Case = (&'static str, String, Value, Result<(), Unverified>);

/// Sends all cases, twice, after a genuine request and before another: what was believed once must
/// not make anything else believable.
async fn judge(scene: &Scene, cases: Vec<Case>) {
    scene.send(&scene.token()).await.unwrap();
    for _ in 0..2 {
        for (name, authorization, body, expected) in &cases {
            let outcome = scene.verifier.admit(request(authorization, body)).await;
            assert_eq!(outcome.map(|_| ()), *expected, "{name}");
        }
    }
    scene.send(&scene.token()).await.unwrap();
}

fn token_case(name: &'static str, token: &str, expected: Result<(), Unverified>) -> Case {
    (name, format!("Bearer {token}"), activity(), expected)
}

/// The claims of a genuine token with one changed, or taken away.
fn claims_with(scene: &Scene, name: &str, value: Value) -> Value {
    let mut claims = json!(scene.claims());
    match value {
        Value::Null => {
            claims.as_object_mut().unwrap().remove(name);
        }
        value => claims[name] = value,
    }
    claims
}

fn with_header(scene: &Scene, name: &str, value: Value) -> String {
    let mut header = scene.header();
    header[name] = value;
    scene.connector.sign(&header, &json!(scene.claims()))
}

fn unsigned(scene: &Scene, header: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(&json!(scene.claims())))
}

#[tokio::test]
async fn the_authorization_header_has_one_form() {
    let scene = Scene::new().await;
    let token = scene.token();
    let case = |name, authorization: String, expected| (name, authorization, activity(), expected);
    let refused = Err(Unverified::Authorization);
    judge(
        &scene,
        vec![
            case("valid", format!("Bearer {token}"), Ok(())),
            case("lower case", format!("bearer {token}"), Ok(())),
            case("upper case", format!("BEARER {token}"), Ok(())),
            case("two blanks", format!("Bearer  {token}"), Ok(())),
            case("no scheme", token.clone(), refused),
            case("another scheme", format!("Basic {token}"), refused),
            case("a longer scheme", format!("Bearers {token}"), refused),
            case("a tab", format!("Bearer\t{token}"), refused),
            case("nothing", String::new(), refused),
            case("only the scheme", "Bearer".to_owned(), refused),
            case("no token", "Bearer ".to_owned(), Err(Unverified::Malformed)),
            case("two tokens", format!("Bearer {token} {token}"), Err(Unverified::Malformed)),
            case("a list", format!("Bearer {token}, Bearer x"), Err(Unverified::Malformed)),
        ],
    )
    .await;
}

#[tokio::test]
async fn there_is_exactly_one_authorization_header() {
    let scene = Scene::new().await;
    let good = HeaderValue::try_from(format!("Bearer {}", scene.token())).unwrap();
    let mut none = request("", &activity());
    none.headers_mut().remove(AUTHORIZATION);
    let mut two = request("Bearer x", &activity());
    two.headers_mut().append(AUTHORIZATION, good.clone());
    let mut twice = request("", &activity());
    twice.headers_mut().insert(AUTHORIZATION, good.clone());
    twice.headers_mut().append(AUTHORIZATION, good);
    let mut bytes = request("", &activity());
    bytes.headers_mut().insert(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff").unwrap());
    for request in [none, two, twice, bytes] {
        let outcome = scene.verifier.admit(request).await;
        assert_eq!(outcome.err(), Some(Unverified::Authorization));
    }
    assert_eq!(scene.fetches(), (0, 0));
}

#[tokio::test]
async fn only_rs256_signs() {
    let scene = Scene::new().await;
    let claims = json!(scene.claims());
    let header = |algorithm: &str| {
        let mut header = scene.header();
        header["alg"] = json!(algorithm);
        header
    };
    let rsa = |name: &str, algorithm: &'static dyn RsaEncoding| {
        scene.connector.sign_as(algorithm, &header(name), &claims)
    };
    let hs256 = {
        let message = unsigned(&scene, &header("HS256"));
        let mut code = Hmac::<Sha256>::new_from_slice(&scene.connector.public_key()).unwrap();
        code.update(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(code.finalize().into_bytes()))
    };
    let es256 = {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let message = unsigned(&scene, &header("ES256"));
        let random = aws_lc_rs::rand::SystemRandom::new();
        let signature = pair.sign(&random, message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let none = unsigned(&scene, &header("none"));
    let refused = Err(Unverified::Algorithm);
    let forged = Err(Unverified::Signature);
    judge(
        &scene,
        vec![
            token_case("none", &format!("{none}."), refused),
            token_case("None", &format!("{}.", unsigned(&scene, &header("None"))), refused),
            token_case("no signature at all", &none, Err(Unverified::Malformed)),
            token_case("HS256 with the public key", &hs256, refused),
            token_case("PS256", &rsa("PS256", &RSA_PSS_SHA256), refused),
            token_case("RS384", &rsa("RS384", &RSA_PKCS1_SHA384), refused),
            token_case("RS512", &rsa("RS512", &RSA_PKCS1_SHA512), refused),
            token_case("ES256", &es256, refused),
            token_case("rs256", &scene.connector.sign(&header("rs256"), &claims), refused),
            token_case("RS256 that is PS256", &rsa("RS256", &RSA_PSS_SHA256), forged),
            token_case("RS256 that is RS384", &rsa("RS256", &RSA_PKCS1_SHA384), forged),
            token_case("RS256 that is RS512", &rsa("RS256", &RSA_PKCS1_SHA512), forged),
            token_case(
                "RS256 without signature",
                &format!("{}.", unsigned(&scene, &scene.header())),
                Err(Unverified::Malformed),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn only_a_published_key_signs() {
    let scene = Scene::new().await;
    // Another Bot Connector, with a key of the same name.
    let stranger = BotConnectorKeys::start(Arc::new(scene.clock.clone())).await.unwrap();
    let forged = stranger.token(&scene.claims());
    let brings = |name: &str, value: Value| {
        let mut header = scene.header();
        header[name] = value;
        stranger.sign(&header, &json!(scene.claims()))
    };
    let no_kid = scene.connector.sign(&json!({"alg": "RS256"}), &json!(scene.claims()));
    let pasted = {
        let (message, _) = forged.rsplit_once('.').unwrap();
        let genuine = scene.token();
        format!("{message}.{}", genuine.rsplit_once('.').unwrap().1)
    };
    let url = json!(stranger.metadata_url().join("keys").unwrap().as_str());
    let key_in_header = Err(Unverified::KeyInHeader);
    judge(
        &scene,
        vec![
            token_case(
                "unknown kid",
                &scene.token_of_unknown_key("new"),
                Err(Unverified::UnknownKey),
            ),
            token_case("missing kid", &no_kid, Err(Unverified::Malformed)),
            token_case(
                "empty kid",
                &with_header(&scene, "kid", json!("")),
                Err(Unverified::Malformed),
            ),
            token_case("wrong key", &forged, Err(Unverified::Signature)),
            token_case("pasted signature", &pasted, Ok(())),
            token_case("jku", &brings("jku", url.clone()), key_in_header),
            token_case("jwk", &brings("jwk", json!({"kty": "RSA"})), key_in_header),
            token_case("x5u", &brings("x5u", url), key_in_header),
            token_case("x5c", &brings("x5c", json!(["MIIB"])), key_in_header),
            token_case("jku, well signed", &with_header(&scene, "jku", json!("x")), key_in_header),
            token_case(
                "crit, well signed",
                &with_header(&scene, "crit", json!(["b64"])),
                key_in_header,
            ),
        ],
    )
    .await;
    assert_eq!((stranger.metadata_fetches(), stranger.key_fetches()), (0, 0));
}

#[tokio::test]
async fn a_token_has_its_time_give_or_take_five_minutes() {
    let scene = Scene::new().await;
    let at = |name: &str, seconds: i64| {
        let moment = crate::clock::Clock::now(&scene.clock).as_second() + seconds;
        scene.sign(&claims_with(&scene, name, json!(moment)))
    };
    let claims = Err(Unverified::Claims);
    let odd = |name: &str, value: Value| scene.sign(&claims_with(&scene, name, value));
    judge(
        &scene,
        vec![
            token_case("exp 4 minutes ago", &at("exp", -240), Ok(())),
            token_case("exp 5 minutes ago", &at("exp", -300), Ok(())),
            token_case("exp a second more ago", &at("exp", -301), Err(Unverified::Expired)),
            token_case("exp 6 minutes ago", &at("exp", -360), Err(Unverified::Expired)),
            token_case("nbf in 4 minutes", &at("nbf", 240), Ok(())),
            token_case("nbf in 5 minutes", &at("nbf", 300), Ok(())),
            token_case("nbf in a second more", &at("nbf", 301), Err(Unverified::NotYetValid)),
            token_case("nbf in 6 minutes", &at("nbf", 360), Err(Unverified::NotYetValid)),
            token_case("no nbf", &odd("nbf", Value::Null), Ok(())),
            token_case("no exp", &odd("exp", Value::Null), claims),
            token_case("exp as text", &odd("exp", json!("9999999999")), claims),
            token_case("exp beyond all time", &odd("exp", json!(u64::MAX)), claims),
            token_case("nbf as text", &odd("nbf", json!("now")), claims),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_expired_token_is_told_from_a_forged_one() {
    let scene = Scene::new().await;
    let genuine = scene.token();
    scene.send(&genuine).await.unwrap();
    let forged = {
        let (message, signature) = genuine.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { "B" } else { "A" };
        format!("{message}.{other}{}", &signature[1..])
    };
    scene.clock.advance(Duration::from_mins(66));
    assert_eq!(scene.verdict(&genuine).await, Err(Unverified::Expired));
    assert_eq!(scene.verdict(&forged).await, Err(Unverified::Signature));
    let fresh = scene.token();
    scene.clock.set(crate::clock::Clock::now(&scene.clock) - jiff::SignedDuration::from_mins(6));
    assert_eq!(scene.verdict(&fresh).await, Err(Unverified::NotYetValid));
    for reason in ["expired", "bad_signature", "not_yet_valid"] {
        let line =
            format!(r#"connect_requests_refused_total{{platform="teams",reason="{reason}"}} 1"#);
        assert!(scene.counted(&line), "{reason}");
    }
}

#[tokio::test]
async fn the_issuer_is_the_clouds_and_nobody_else() {
    let scene = Scene::new().await;
    let tenant = "3c9d2f3a-7d44-4d6a-8f0e-2f3f0d9b1c55";
    let issued_by = |issuer: &str| scene.sign(&claims_with(&scene, "iss", json!(issuer)));
    let emulator = {
        let mut claims = json!(scene.claims());
        claims["iss"] = json!("https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/");
        claims["ver"] = json!("1.0");
        claims["appid"] = json!(APP_ID);
        claims
    };
    let skill = {
        let mut claims = json!(scene.claims());
        claims["iss"] = json!(format!("https://login.microsoftonline.com/{tenant}/v2.0"));
        claims["ver"] = json!("2.0");
        claims["azp"] = json!("f1e2d3c4-0000-4000-8000-000000000000");
        claims
    };
    let entra = |claims: &Value| {
        scene.connector.sign(&json!({"alg": "RS256", "kid": "entra", "typ": "JWT"}), claims)
    };
    let refused = Err(Unverified::Issuer);
    judge(
        &scene,
        vec![
            token_case("slash", &issued_by("https://api.botframework.com/"), refused),
            token_case("case", &issued_by("https://API.botframework.com"), refused),
            token_case("government", &issued_by("https://api.botframework.us"), refused),
            token_case(
                "tenant",
                &issued_by(&format!("https://sts.windows.net/{tenant}/")),
                refused,
            ),
            token_case("empty", &issued_by(""), refused),
            token_case(
                "none",
                &scene.sign(&claims_with(&scene, "iss", Value::Null)),
                Err(Unverified::Claims),
            ),
            token_case(
                "list",
                &scene.sign(&claims_with(&scene, "iss", json!(["https://api.botframework.com"]))),
                Err(Unverified::Claims),
            ),
            token_case("emulator", &entra(&emulator), Err(Unverified::UnknownKey)),
            token_case("emulator, well signed", &scene.sign(&emulator), refused),
            token_case("skill", &entra(&skill), Err(Unverified::UnknownKey)),
            token_case("skill, well signed", &scene.sign(&skill), refused),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_audience_is_this_bot_alone() {
    let scene = Scene::new().await;
    let meant_for = |audience: Value| scene.sign(&claims_with(&scene, "aud", audience));
    let own_outbound = {
        let mut claims = json!(scene.claims());
        claims["aud"] = json!("https://api.botframework.com");
        claims["appid"] = json!(APP_ID);
        claims
    };
    let refused = Err(Unverified::Audience);
    judge(
        &scene,
        vec![
            token_case("list of one", &meant_for(json!([APP_ID])), Ok(())),
            token_case("list of two", &meant_for(json!([APP_ID, "other"])), refused),
            token_case("empty list", &meant_for(json!([])), refused),
            token_case(
                "identifier URI",
                &meant_for(json!(format!("api://botid-{APP_ID}"))),
                refused,
            ),
            token_case("part", &meant_for(json!(&APP_ID[..8])), refused),
            token_case("upper case", &meant_for(json!(APP_ID.to_uppercase())), refused),
            token_case("empty", &meant_for(json!("")), refused),
            token_case("none", &meant_for(Value::Null), Err(Unverified::Claims)),
            token_case("number", &meant_for(json!(7)), Err(Unverified::Claims)),
            token_case("the bot's own outbound token", &scene.sign(&own_outbound), refused),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_service_url_is_the_tokens() {
    let scene = Scene::new().await;
    let bare = SERVICE_URL.trim_end_matches('/');
    let claimed = |url: Value| scene.sign(&claims_with(&scene, "serviceurl", url));
    let camel = {
        let mut claims = claims_with(&scene, "serviceurl", Value::Null);
        claims["serviceUrl"] = json!(SERVICE_URL);
        scene.sign(&claims)
    };
    let sent = |name, url: Value, expected| {
        let mut body = activity();
        body["serviceUrl"] = url;
        (name, format!("Bearer {}", scene.token()), body, expected)
    };
    let mut absent = activity();
    absent.as_object_mut().unwrap().remove("serviceUrl");
    let refused = Err(Unverified::ServiceUrl);
    judge(
        &scene,
        vec![
            token_case("claim without slash", &claimed(json!(bare)), Ok(())),
            token_case("claim of another", &claimed(json!("https://evil.example/")), refused),
            token_case("empty claim", &claimed(json!("")), refused),
            token_case("no claim", &claimed(Value::Null), Err(Unverified::Claims)),
            token_case("claim in camel case", &camel, Err(Unverified::Claims)),
            sent("no slash", json!(bare), Ok(())),
            sent("two slashes", json!(format!("{SERVICE_URL}/")), refused),
            sent("case", json!(SERVICE_URL.to_uppercase()), refused),
            sent("port", json!("https://smba.trafficmanager.net:443/emea/"), refused),
            sent("path", json!("https://smba.trafficmanager.net/amer/"), refused),
            sent("query", json!(format!("{SERVICE_URL}?x")), refused),
            sent("blank", json!(format!("{SERVICE_URL} ")), refused),
            sent("another host", json!("https://evil.example/emea/"), refused),
            sent("empty", json!(""), refused),
            sent("slash", json!("/"), refused),
            sent("null", Value::Null, Err(Unverified::Envelope)),
            ("absent", format!("Bearer {}", scene.token()), absent.clone(), refused),
            ("both empty", format!("Bearer {}", claimed(json!(""))), absent, refused),
        ],
    )
    .await;
}

#[tokio::test]
async fn only_teams_is_served() {
    let scene = Scene::new().await;
    let sent = |name, channel: Value, expected| {
        let mut body = activity();
        body["channelId"] = channel;
        (name, format!("Bearer {}", scene.token()), body, expected)
    };
    let mut absent = activity();
    absent.as_object_mut().unwrap().remove("channelId");
    let refused = Err(Unverified::Channel);
    judge(
        &scene,
        vec![
            sent("another", json!("slack"), refused),
            sent("emulator", json!("emulator"), refused),
            sent("case", json!("MSTeams"), refused),
            sent("empty", json!(""), refused),
            sent("null", Value::Null, Err(Unverified::Envelope)),
            ("absent", format!("Bearer {}", scene.token()), absent, refused),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_key_speaks_for_the_channels_that_it_is_endorsed_for() {
    let scene = Scene::new().await;
    let cases: [(Option<&[&str]>, _); 5] = [
        (None, Err(Unverified::Endorsement)),
        (Some(&[]), Err(Unverified::Endorsement)),
        (Some(&["slack"]), Err(Unverified::Endorsement)),
        (Some(&["slack", "msteams"]), Ok(())),
        (Some(&["msteams"]), Ok(())),
    ];
    for (endorsements, expected) in cases {
        scene.connector.endorse(endorsements);
        scene.connector.rotate().unwrap();
        scene.clock.advance(Duration::from_mins(5));
        assert_eq!(scene.verdict(&scene.token()).await, expected, "{endorsements:?}");
    }
    // A key for Slack does not become one for Teams by what the body says, nor the other way.
    scene.connector.endorse(Some(&["slack"]));
    scene.connector.rotate().unwrap();
    scene.clock.advance(Duration::from_mins(5));
    let mut body = activity();
    body["channelId"] = json!("slack");
    let authorization = format!("Bearer {}", scene.token());
    let outcome = scene.verifier.admit(request(&authorization, &body)).await;
    assert_eq!(outcome.err(), Some(Unverified::Channel));
}

#[tokio::test]
async fn a_token_has_one_form() {
    let scene = Scene::new().await;
    let token = scene.token();
    let (header, rest) = token.split_once('.').unwrap();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let kid = scene.connector.key_id();
    let twice = encode(&format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}"}}"#));
    let list = encode(&format!(r#"["RS256","{kid}"]"#));
    let long = scene.sign(&claims_with(&scene, "padding", json!("x".repeat(8192))));
    let malformed = Err(Unverified::Malformed);
    judge(
        &scene,
        vec![
            token_case("two parts", rest, malformed),
            token_case("four parts", &format!("{token}.x"), malformed),
            token_case("five parts", &format!("{token}.x.x"), malformed),
            token_case("padding", &format!("{header}=.{rest}"), malformed),
            token_case("a blank", &format!("{header} .{rest}"), malformed),
            token_case("standard alphabet", &format!("{header}+/.{rest}"), malformed),
            token_case("header twice", &format!("{twice}.{rest}"), malformed),
            token_case("header as list", &format!("{list}.{rest}"), malformed),
            token_case("header of nothing", &format!(".{rest}"), malformed),
            token_case("long", &long, malformed),
            token_case("claims as list", &scene.sign(&json!(["x"])), Err(Unverified::Claims)),
            token_case("signature with padding", &format!("{token}="), malformed),
            token_case("short signature", &token[..token.len() - 4], malformed),
        ],
    )
    .await;
}

#[tokio::test]
async fn refusals_are_empty_and_never_our_fault() {
    let by_strangers = [
        Unverified::Authorization,
        Unverified::Malformed,
        Unverified::Algorithm,
        Unverified::KeyInHeader,
        Unverified::Claims,
        Unverified::UnknownKey,
        Unverified::Signature,
    ];
    let with_good_signature = [
        Unverified::Issuer,
        Unverified::Audience,
        Unverified::Expired,
        Unverified::NotYetValid,
        Unverified::Envelope,
        Unverified::Channel,
        Unverified::Endorsement,
        Unverified::ServiceUrl,
    ];
    let tells = |problem: &Unverified| problem.why().by == CausedBy::Platform;
    assert!(!by_strangers.iter().any(tells));
    assert!(with_good_signature.iter().all(tells));
    for problem in by_strangers.into_iter().chain(with_good_signature) {
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(to_bytes(response.into_body(), 1).await.unwrap().is_empty());
    }
    assert_eq!(Unverified::TooLarge.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(Unverified::Unread.into_response().status(), StatusCode::BAD_REQUEST);
}
