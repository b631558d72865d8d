//! The form of a token, its algorithm and its key.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RsaEncoding,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::*;

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
