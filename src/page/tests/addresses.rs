//! Which addresses lead to a page, and for how long.

use super::*;

#[tokio::test]
async fn a_new_page_of_a_message_takes_the_place_of_the_one_before() {
    let site = Site::start().await;
    let first = site.link(&ada()).await;
    assert_eq!(site.press(&first).await.status, StatusCode::SEE_OTHER);
    let second = site.link(&ada()).await;
    assert_eq!(site.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.press(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.press(&second).await.status, StatusCode::SEE_OTHER);
    // Another message's is another page.
    let other = Invitation { reference: Reference::from_random([9; 5]), ..ada() };
    let other = site.link(&other).await;
    assert_eq!(site.press(&other).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_address_from_before_works_for_its_day_and_can_be_pressed_again() {
    let site = Site::start().await;
    for secret in [TODAY, YESTERDAY] {
        let link = site.signed(secret, &ada());
        site.get(&link).await.assert_page(StatusCode::OK, &["Ada Lovelace", "If this is not you"]);
        assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
        assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    }
    let link = site.signed(TODAY, &ada());
    site.clock.advance(LIFETIME);
    site.get(&link).await.assert_page(StatusCode::GONE, &["/verbinde", "expired"]);
}

#[tokio::test]
async fn a_slash_at_the_end_and_head_make_no_difference() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let slashed = Url::parse(&format!("{link}/")).unwrap();
    site.get(&slashed).await.assert_page(StatusCode::OK, &["Ada Lovelace"]);
    assert_eq!(site.press(&slashed).await.status, StatusCode::SEE_OTHER);
    for url in [&link, &slashed] {
        let seen = Seen::read(site.http.head(url.clone())).await;
        assert_eq!((seen.status, seen.html.as_str()), (StatusCode::OK, ""));
        assert_eq!(seen.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    }
    let seen = Seen::read(site.http.delete(link)).await;
    assert_eq!(seen.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(seen.headers[ALLOW], "GET,HEAD,POST");
    assert_eq!(site.times_asked(), 1);
}

#[tokio::test]
async fn links_that_are_not_ours_ask_nobody_and_all_get_the_same_page() {
    let site = Site::start().await;
    let genuine = site.link(&ada()).await;
    let token = genuine.path().trim_start_matches("/link/");
    let signed_token = signed(TODAY, &ada(), site.clock.now());
    let cut = &signed_token[..signed_token.len() - 1];
    let mut on_teams = ada();
    on_teams.person.platform = crate::teams::PLATFORM.id();
    let altered = token.replacen(&token[20..21], if &token[20..21] == "A" { "B" } else { "A" }, 1);
    let strangers = [
        site.link_of(&altered),
        site.link_of(&token[..token.len() - 1]),
        site.link_of(&format!("{token}A")),
        site.link_of(&"A".repeat(4000)),
        site.link_of("x"),
        site.link_of("%ff%fe"),
        site.link_of("%00"),
        site.link_of("..%2f..%2fetc%2fpasswd"),
        site.signed("a-key-of-somebody-else", &ada()),
        site.link_of(cut),
        site.link_of(&"A".repeat(24)),
        // Genuine, but no responder is there for it.
        site.link(&on_teams).await,
    ];
    let first = site.get(&strangers[0]).await;
    first.assert_page(StatusCode::NOT_FOUND, &["/connect", "does not work"]);
    for stranger in &strangers {
        for seen in [site.get(stranger).await, site.press(stranger).await] {
            assert_eq!((seen.status, &seen.html), (StatusCode::NOT_FOUND, &first.html));
        }
    }
    assert_eq!(site.times_asked(), 0);
    site.assert_counted(
        r#"connect_requests_refused_total{platform="link",reason="unknown_token"} 25"#,
    );
}

#[tokio::test]
async fn after_a_day_a_link_only_tells_how_to_get_another() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let second = Duration::from_secs(1);
    site.clock.advance(LIFETIME.saturating_sub(second));
    assert_eq!(site.get(&link).await.status, StatusCode::OK);
    assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    site.clock.advance(second);
    for seen in [site.get(&link).await, site.press(&link).await] {
        seen.assert_page(StatusCode::GONE, &["/verbinde", "expired"]);
        assert!(!seen.html.contains("Ada"));
    }
    assert_eq!(site.times_asked(), 1);
}

#[tokio::test]
async fn neither_links_nor_tokens_print() {
    let site = Site::start().await;
    let url = site.links.url_for(&ada()).await.unwrap();
    let token = url.expose().path().to_owned();
    let pages = LinkPages::new(Parts {
        links: Arc::clone(&site.links),
        chats: Vec::new(),
        app: app(),
        random: Arc::new(SystemRandom),
        metrics: Arc::clone(&site.metrics),
    });
    let printed = format!("{url:?} {pages:?} {:?} {:?}", site.links, ada());
    for secret in [token.as_str(), TODAY, YESTERDAY, "Lovelace"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
