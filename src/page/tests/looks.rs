//! What a browser sees.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::*;
use crate::words::config::Support;

#[tokio::test]
async fn the_page_names_both_accounts_and_offers_one_button_to_go_on() {
    let site = Site::start().await;
    let seen = site.get(&site.link(&ada()).await).await;
    let words = ["Novu Connect", "Ada Lovelace", "Slack", "Acme", "Countess of Lovelace"];
    seen.assert_page(StatusCode::OK, &words);
    assert!(!seen.html.contains("crm-7"), "{}", seen.html);
    assert_eq!(seen.html.matches("<form method=\"post\"").count(), 2);
    assert_eq!(seen.html.matches("<button").count(), 2);
    for button in
        ["<button type=\"submit\">Continue to sign in</button>", ">This is not me</button>"]
    {
        assert!(seen.html.contains(button), "{button}");
    }
}

#[tokio::test]
async fn what_has_no_name_shows_a_short_id_that_does_not_stand_out_and_a_place_shows_nothing() {
    let site = Site::start().await;
    let mut nameless = Invitation {
        name: None,
        workspace: None,
        subscriber: Some("3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned()),
        subscriber_name: None,
        ..ada()
    };
    let seen = site.get(&site.link(&nameless).await).await;
    seen.assert_page(StatusCode::OK, &["U0ADA", "3fa85f6…3f66afa6"]);
    assert_eq!(seen.html.matches("<dd class=\"id\">").count(), 2, "{}", seen.html);
    for id in ["T0ACME", "Workspace", "4562"] {
        assert!(!seen.html.contains(id), "{id} in {}", seen.html);
    }
    nameless.subscriber = None;
    let seen = site.get(&site.link(&nameless).await).await;
    seen.assert_page(StatusCode::OK, &["your organisation has for you"]);
}

#[tokio::test]
async fn looking_asks_nobody_however_often() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let agents = [
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Slack-ImgProxy (+https://api.slack.com/robots)",
        "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    ];
    for number in 0..200 {
        let method = if number % 5 == 0 { Method::HEAD } else { Method::GET };
        let agent = agents[number % agents.len()];
        let request = site.http.request(method, link.clone()).header("user-agent", agent);
        assert_eq!(Seen::read(request).await.status, StatusCode::OK);
    }
    assert_eq!(site.times_asked(), 0);
    assert!(!site.metrics.render().contains("clicked"));
}

#[tokio::test]
async fn the_landing_page_leads_back_to_the_chat_and_lets_sign_ins_be_looked_for() {
    let site = Site::start().await;
    for (language, words) in [
        ("en", ["Back to your chat", "appears in Slack", "Open Slack"]),
        ("de-CH,de", ["Zurück in deinen Chat", "steht gleich in Slack", "Slack öffnen"]),
    ] {
        for path in ["/linked/slack", "/linked/slack/", "/linked/slack?state=1"] {
            let url = site.origin.join(path).unwrap();
            let seen = Seen::read(site.http.get(url).header("accept-language", language)).await;
            seen.assert_page(StatusCode::OK, &words);
            assert!(seen.html.contains("href=\"slack://open\""), "{}", seen.html);
            assert!(!seen.html.contains("<form"), "{}", seen.html);
        }
    }
    assert_eq!(site.responder.looks.load(SeqCst), 6);
    for path in ["/linked/teams", "/linked/Slack", "/linked/%ff"] {
        let seen = site.get(&site.origin.join(path).unwrap()).await;
        seen.assert_page(StatusCode::NOT_FOUND, &["does not work"]);
    }
    assert_eq!(site.responder.looks.load(SeqCst), 6);
    site.assert_counted(
        r#"connect_requests_refused_total{platform="link",reason="unknown_platform"} 3"#,
    );
}

#[tokio::test]
async fn names_are_text_whatever_they_hold() {
    let tricks = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</dd></dl></main><form action=https://evil.example>",
        "{{ 7 * 7 }}",
        "' style='x",
        "\u{202e}live",
    ];
    let site = Site::start().await;
    for trick in tricks {
        let text = Some(trick.to_owned());
        let invitation = Invitation {
            name: text.clone(),
            workspace: text.clone(),
            subscriber: text.clone(),
            subscriber_name: text,
            command: trick.to_owned(),
            ..ada()
        };
        let link = site.link(&invitation).await;
        let seen = site.get(&link).await;
        assert_eq!(seen.status, StatusCode::OK);
        for tag in ["<script", "<img", "<form action", "\u{202e}", "dd'", ">49<"] {
            assert!(!seen.html.contains(tag), "{tag} in {}", seen.html);
        }
        assert_eq!(seen.html.matches("<form").count(), 2);
        site.clock.advance(LIFETIME);
        let seen = site.get(&link).await;
        assert_eq!(seen.status, StatusCode::GONE);
        assert!(!seen.html.contains("<script") && !seen.html.contains("<img"), "{}", seen.html);
    }
}

#[tokio::test]
async fn pages_speak_the_browsers_language() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let in_german =
        |url: &Url| site.http.get(url.clone()).header("accept-language", "de-AT,de;q=0.9");
    let seen = Seen::read(in_german(&link)).await;
    seen.assert_page(
        StatusCode::OK,
        &["<html lang=\"de\">", "Verbinde dein Konto", "Chat-Konto", "Weiter zur Anmeldung"],
    );
    let seen = Seen::read(in_german(&site.link_of("x"))).await;
    seen.assert_page(StatusCode::NOT_FOUND, &["<html lang=\"de\">", "funktioniert nicht"]);
    site.clock.advance(LIFETIME);
    let seen = Seen::read(in_german(&link)).await;
    seen.assert_page(StatusCode::GONE, &["<html lang=\"de\">", "abgelaufen", "/verbinde"]);
    let seen = site.get(&link).await;
    seen.assert_page(StatusCode::GONE, &["<html lang=\"en\">"]);
}

#[tokio::test]
async fn the_policy_lets_our_style_pass_and_the_form_follow_its_redirects() {
    let site = Site::start().await;
    let seen = site.get(&site.link(&ada()).await).await;
    let (_, rest) = seen.html.split_once("<style>").unwrap();
    let (style, _) = rest.split_once("</style>").unwrap();
    let hash = format!("style-src 'sha256-{}';", STANDARD.encode(Sha256::digest(style)));
    let policy = seen.header("content-security-policy");
    assert!(policy.contains(&hash), "{policy}");
    assert!(policy.contains("form-action 'self' https: http:;"), "{policy}");

    assert!(!policy.contains("img-src"), "{policy}");

    let logo = Url::parse("https://cdn.example:8443/logo.svg?v=1").unwrap();
    let public = headers::protective(false, Some(&logo));
    let policy = public["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https:;"), "{policy}");
    assert!(policy.contains("; img-src https://cdn.example:8443; "), "{policy}");
}

#[tokio::test]
async fn the_operators_name_and_logo_are_on_the_page() {
    let logo_url = Some(Url::parse("https://cdn.example/logo.svg?a=1&b=%22").unwrap());
    let app = Settings { name: "Acme & Sons".to_owned(), logo_url, ..app() };
    let site = Site::of(sign_in(), &[], app).await;
    let seen = site.get(&site.link(&ada()).await).await;
    for part in [
        "<bdi>Acme &#38; Sons</bdi>",
        "<img src=\"https://cdn.example/logo.svg?a=1&#38;b=%22\" alt=\"\">",
    ] {
        assert!(seen.html.contains(part), "{part} in {}", seen.html);
    }
    assert!(seen.header("content-security-policy").contains("img-src https://cdn.example; "));
}

#[tokio::test]
async fn every_page_names_help_and_privacy_where_they_are_given() {
    let site = Site::of(sign_in(), &[], app()).await;
    assert!(!site.get(&site.link(&ada()).await).await.html.contains("<footer>"));
    let privacy_url = Some(Url::parse("https://acme.example/privacy?a=1&b=2").unwrap());
    let support = Some(Support::Mail("help@acme.example".to_owned()));
    let site = Site::of(sign_in(), &[], Settings { support, privacy_url, ..app() }).await;
    let landing = site.origin.join("/linked/slack").unwrap();
    for page in [site.link(&ada()).await, site.link_of("nothing"), landing] {
        let seen = site.get(&page).await;
        for part in [
            "<a href=\"mailto:help@acme.example\">Help</a>",
            "<a href=\"https://acme.example/privacy?a=1&#38;b=2\">Privacy</a>",
        ] {
            assert!(seen.html.contains(part), "{part} in {}", seen.html);
        }
        assert!(!seen.html.contains("Terms of use"));
    }
}
