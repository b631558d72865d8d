//! The time, the issuer and the audience of a token.

use super::*;

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
