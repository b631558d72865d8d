//! Activities that say something else than their token.

use super::*;

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
