//! The press of a button, and what comes of it.

use super::*;

#[tokio::test]
async fn a_press_asks_once_and_follows_the_link() {
    let site = Site::start().await;
    let seen = site.press(&site.link(&ada()).await).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert_eq!(seen.headers[LOCATION], MINTED);
    assert_eq!(seen.html, "");
    {
        let asked = site.responder.asked();
        let [question] = asked.as_slice() else { panic!("asked {} times", asked.len()) };
        assert_eq!((&question.asker, &question.intent), (&ada().person, &Intent::Connect));
        assert_ne!(question.reference, ada().reference);
    }
    site.assert_counted(r#"connect_funnel_total{platform="slack",step="clicked"} 1"#);
}

#[tokio::test]
async fn a_press_is_spent_for_as_long_as_its_link_can_be_used() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    site.clock.advance(LINK_LIFETIME.saturating_sub(Duration::from_secs(1)));
    for seen in [site.press(&link).await, site.get(&link).await] {
        seen.assert_page(StatusCode::OK, &["already open", "another tab", "/verbinde"]);
        assert!(!seen.html.contains("<form") && !seen.html.contains("<button"), "{}", seen.html);
        assert_eq!(seen.html.matches("<a ").count(), 1);
        assert!(seen.html.contains("href=\"slack://open\">Open Slack</a>"), "{}", seen.html);
    }
    assert_eq!(site.times_asked(), 1);
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.get(&link).await.html.matches("<button").count(), 2);
    assert_eq!(site.press(&link).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.times_asked(), 2);
}

#[tokio::test]
async fn of_many_presses_at_once_one_mints() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let presses = futures_util::future::join_all((0..20).map(|_| site.press(&link))).await;
    let followed = presses.iter().filter(|seen| seen.status == StatusCode::SEE_OTHER).count();
    assert_eq!((followed, site.times_asked()), (1, 1));
}

#[tokio::test]
async fn a_press_of_which_no_link_came_can_be_made_again_but_not_without_end() {
    let site = Site::answering(Answer::Refused(Reason::NovuUnavailable.into())).await;
    let link = site.link(&ada()).await;
    let mut last = site.press(&link).await;
    for _ in 0..30 {
        last = site.press(&link).await;
    }
    last.assert_page(StatusCode::TOO_MANY_REQUESTS, &["C-TOO-OFTEN", "/verbinde"]);
    let asked = site.times_asked();
    assert!((2..30).contains(&asked), "{asked}");
    let mut grace = ada();
    grace.person.user = "U0GRACE".to_owned();
    site.press(&site.link(&grace).await).await.assert_page(StatusCode::OK, &["C-NOVU-DOWN"]);
    let counted = 31 - asked;
    site.assert_counted(&format!(
        r#"connect_answers_total{{platform="slack",intent="connect",answer="C-TOO-OFTEN"}} {counted}"#
    ));
}

#[tokio::test]
async fn who_says_that_it_is_not_them_ends_the_page_and_its_owner_is_told_once() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    site.responder.shown.lock().unwrap().push(Shown::Later(None));
    let seen = site.say_not_me(&link).await;
    seen.assert_page(StatusCode::OK, &["The page is closed", "You can close this window"]);
    for seen in [site.say_not_me(&link).await, site.get(&link).await, site.press(&link).await] {
        seen.assert_page(StatusCode::GONE, &["This page is closed", "/verbinde"]);
        assert!(!seen.html.contains("Ada"));
    }
    while site.responder.told().len() < 2 {
        site.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    site.clock.advance(Duration::from_mins(10));
    tokio::task::yield_now().await;
    let message = MessageId::of(&ada().person, ada().reference);
    assert_eq!(site.responder.told(), vec![(message, Answer::PageEnded); 2]);
    assert_eq!(site.times_asked(), 0);
    // They can ask anew.
    assert_eq!(site.press(&site.link(&ada()).await).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_on_another_site_starts_nothing() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let port = site.origin.port().unwrap();
    let elsewhere = [
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        ("sec-fetch-site", "something-new".to_owned()),
        ("sec-fetch-site", String::new()),
        ("origin", "null".to_owned()),
        ("origin", "https://elsewhere.example".to_owned()),
        ("origin", format!("https://127.0.0.1:{port}")),
        ("origin", "http://127.0.0.1".to_owned()),
        ("origin", String::new()),
    ];
    for (header, from) in elsewhere {
        let seen = Seen::read(site.http.post(link.clone()).header(header, &from)).await;
        seen.assert_page(StatusCode::FORBIDDEN, &["Another website", "your chat"]);
    }
    assert_eq!(site.times_asked(), 0);
    // The way from the chat to the page is cross-site as well, and changes nothing.
    let from_chat = site.http.get(link.clone()).header("sec-fetch-site", "cross-site");
    assert_eq!(Seen::read(from_chat).await.status, StatusCode::OK);
    // Old browsers do not tell.
    assert_eq!(Seen::read(site.http.post(link)).await.status, StatusCode::SEE_OTHER);
    let typed = site.http.post(site.link(&ada()).await).header("sec-fetch-site", "none");
    assert_eq!(Seen::read(typed).await.status, StatusCode::SEE_OTHER);
    let own = site
        .http
        .post(site.link(&ada()).await)
        .header("origin", site.origin.origin().ascii_serialization());
    assert_eq!(Seen::read(own).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_body_may_be_small_and_is_not_read() {
    let site = Site::start().await;
    let link = site.link(&ada()).await;
    let post = |size: usize| Seen::read(site.http.post(link.clone()).body("x".repeat(size)));
    assert_eq!(post(1024).await.status, StatusCode::SEE_OTHER);
    post(1025).await.assert_page(StatusCode::PAYLOAD_TOO_LARGE, &["C-INCOMPLETE", "/verbinde"]);
    assert_eq!(site.times_asked(), 1);
}

#[tokio::test]
async fn who_is_connected_already_is_told_so() {
    let link = |name: Option<&str>| Link {
        subscriber: SubscriberId::new("ada@example.com").unwrap(),
        name: name.map(str::to_owned),
        since: Some(Timestamp::from_second(1_780_000_000).unwrap()),
        can_test: false,
    };
    let site = Site::answering(Answer::AlreadyConnected(link(Some("Ada <Lovelace>")))).await;
    let seen = site.press(&site.link(&ada()).await).await;
    let words = ["Ada &#60;Lovelace&#62;", "28 May 2026", "close this page"];
    seen.assert_page(StatusCode::OK, &words);
    assert!(!seen.html.contains("<form"));

    let site = Site::answering(Answer::AlreadyConnected(link(None))).await;
    let seen = site.press(&site.link(&ada()).await).await;
    seen.assert_page(StatusCode::OK, &["ada@…"]);
    assert!(!seen.html.contains("example.com"));
}

#[tokio::test]
async fn every_refusal_comes_in_words_with_code_and_reference() {
    for reason in Reason::ALL {
        let site = Site::answering(Answer::Refused((*reason).into())).await;
        let seen = site.press(&site.link(&ada()).await).await;
        let reference = site.responder.asked()[0].reference;
        let expected = match reason {
            Reason::TooOften => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        };
        seen.assert_page(expected, &[reason.code(), reference.as_str()]);
    }
}

#[tokio::test]
async fn the_operators_own_sentence_is_shown_whole_and_as_text() {
    let sentence = format!("Ask <b>{}</b> at help@example.com", "the desk ".repeat(20).trim());
    let refusal = Refusal { sentence: Some(sentence), ..Reason::WebhookRefused.into() };
    let site = Site::answering(Answer::Refused(refusal)).await;
    let seen = site.press(&site.link(&ada()).await).await;
    seen.assert_page(StatusCode::OK, &["Ask &#60;b&#62;the", "&#60;/b&#62; at help@example.com"]);
}

#[tokio::test]
async fn an_answer_to_another_question_is_a_refusal() {
    for answer in [Answer::NotConnected, Answer::Working, Answer::Help(None)] {
        let site = Site::answering(answer).await;
        let seen = site.press(&site.link(&ada()).await).await;
        seen.assert_page(StatusCode::OK, &["C-BUSY"]);
    }
}
