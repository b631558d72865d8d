//! The client against a connector on loopback that answers from a script.

use std::time::Instant;

use connect_sandbox::{Recorded, Reply, Scripted};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::clock::{Clock, ManualClock};
use crate::core::Language;
use crate::core::{Answer, EmailAddress, Person, Profiles, ProfilesError, Reference, Workspace};
use crate::metrics::Metrics;
use crate::net::{Outgoing, Subdomains, UrlRefused};
use crate::teams::activity::{Conversation, ConversationKind};
use crate::teams::card::Wording;
use crate::teams::credentials::{Credentials, Proof};

fn answer(status: u16, body: &Value) -> Reply {
    Reply::new(status, body)
}

fn answer_with(status: u16, name: &'static str, value: &str) -> Reply {
    Reply::with_header(status, name, &value)
}

fn made(id: &str) -> Reply {
    answer(201, &json!({"id": id}))
}

fn refusal(status: u16, code: &str) -> Reply {
    answer(status, &json!({"error": {"code": code, "message": "no"}}))
}

struct Stub {
    connector: Arc<Connector>,
    site: ConnectorUrl,
    clock: ManualClock,
    metrics: Arc<Metrics>,
    tokens: Scripted,
    server: Scripted,
}

impl Stub {
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(SEND_PATIENCE, replies).await
    }

    async fn start_with(patience: Duration, replies: impl IntoIterator<Item = Reply>) -> Self {
        let grant = |number| {
            answer(200, &json!({"access_token": format!("bot-token-{number}"), "expires_in": 3600}))
        };
        let tokens = Scripted::start((1..10).map(grant)).await.unwrap();
        let server = Scripted::start(replies).await.unwrap();
        let clock = ManualClock::new("2026-08-01T10:00:00Z".parse().unwrap());
        let metrics = Arc::new(Metrics::new());
        let shared: SharedClock = Arc::new(clock.clone());
        let http = crate::net::client().unwrap();
        let http = Outgoing::new(http, shared.clone(), metrics.clone());
        let credentials = Credentials {
            client_id: "app-1".to_owned(),
            proof: Proof::Secret("s3cret".into()),
            token_url: Url::parse(&format!("{}/token", tokens.url())).unwrap(),
            scope: "scope".to_owned(),
            graph_scope: "https://graph.microsoft.com/.default".to_owned(),
        };
        let source = TokenSource::new(credentials, http.clone(), shared.clone()).unwrap();
        let mut connector = Connector::new(Parts {
            bot_id: "28:app-1".to_owned(),
            service_hosts: HostAllowlist::new(["127.0.0.1"], Subdomains::Refused).unwrap(),
            tokens: Arc::new(source),
            http,
            clock: shared,
        });
        connector.send_patience = patience;
        connector.long_patience = patience;
        connector.brief_patience = patience;
        let site = connector.admit(&format!("{}/emea/", server.url()), "tenant-1").unwrap();
        Self { connector: Arc::new(connector), site, clock, metrics, tokens, server }
    }

    fn count(&self) -> usize {
        self.server.count()
    }

    fn granted(&self) -> usize {
        self.tokens.count()
    }

    /// The last request; those before it are forgotten.
    fn last_request(&self) -> Recorded {
        self.server.take_requests().pop().unwrap()
    }

    /// Ada, as somebody who watches looks her up in these places.
    fn roster<'a>(&'a self, rosters: Vec<&'a str>) -> MemberSearch<'a> {
        let sought = Sought { account: "29:ada", rosters, patience: Patience::Brief };
        MemberSearch::new(&self.connector, self.site.clone(), sought)
    }

    async fn send(&self, kind: ConversationKind) -> Result<Sent, CallError> {
        let place = place(kind);
        let card = card();
        let activity = PrivateActivity { card: &card, place: &place, reply_to: Some("1700") };
        self.connector.send(&self.site, activity).await
    }

    /// Does something while the clock runs ahead.
    async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let started = Instant::now();
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::task::yield_now() => self.clock.advance(Duration::from_millis(1)),
            }
            assert!(started.elapsed() < Duration::from_secs(5));
        }
    }

    /// Sends while the clock runs ahead, and tells how far it got until the call was over.
    async fn send_while_time_passes(&self) -> (Result<Sent, CallError>, Duration) {
        let before = self.clock.now();
        let call = tokio::spawn({
            let (connector, site) = (Arc::clone(&self.connector), self.site.clone());
            async move {
                let (place, card) = (place(ConversationKind::Personal), card());
                let activity = PrivateActivity { card: &card, place: &place, reply_to: None };
                connector.send(&site, activity).await
            }
        });
        let started = Instant::now();
        while !call.is_finished() {
            assert!(started.elapsed() < Duration::from_secs(5));
            if self.count() > 0 {
                self.clock.advance(Duration::from_millis(10));
            }
            tokio::task::yield_now().await;
        }
        (call.await.unwrap(), crate::clock::between(before, self.clock.now()))
    }
}

fn place(kind: ConversationKind) -> PrivatePlace {
    if kind == ConversationKind::Personal {
        return PrivatePlace::Chat(PersonalChat::created("a:1".to_owned()));
    }
    let id = "19:abc@thread.tacv2;messageid=1".to_owned();
    PrivatePlace::targeted(&Conversation { id, kind }, "29:ada")
}

fn card() -> PrivateCard {
    let reference = Reference::from_random([0; 5]);
    let wording = Wording { language: Language::English, command: "/connect", reference };
    PrivateCard::render(&Answer::Working, wording)
}

const SHORT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_message_goes_to_its_conversation_with_the_bots_token() {
    let stub = Stub::start([made("1701")]).await;
    let sent = stub.send(ConversationKind::Personal).await.unwrap();
    assert_eq!(sent.id(), Some("1701"));
    let seen = stub.last_request();
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.path_and_query, "/emea/v3/conversations/a%3A1/activities");
    assert_eq!(seen.headers["authorization"], "Bearer bot-token-1");
    assert_eq!(seen.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(seen.json()["replyToId"], "1700");
    assert_eq!(seen.json().get("recipient"), None);
    let text = stub.metrics.render();
    let counted = r#"upstream="bot_connector",operation="send",outcome="ok""#;
    assert!(text.contains(counted), "{text}");
}

#[tokio::test]
async fn anywhere_else_a_message_is_targeted_and_its_update_too() {
    let stub = Stub::start([made("1701"), answer(200, &json!({"id": "1701"}))]).await;
    let sent = stub.send(ConversationKind::Channel).await.unwrap();
    let seen = stub.last_request();
    let path = "/emea/v3/conversations/19%3Aabc%40thread.tacv2%3Bmessageid%3D1/activities";
    assert_eq!(seen.path_and_query, format!("{path}?isTargetedActivity=true"));
    assert_eq!(seen.json()["recipient"], json!({"id": "29:ada", "isTargeted": true}));

    stub.connector.update(&stub.site, &sent, &card()).await.unwrap();
    let seen = stub.last_request();
    assert_eq!(seen.method, Method::PUT);
    assert_eq!(seen.path_and_query, format!("{path}/1701?isTargetedActivity=true"));
    assert_eq!(seen.json().get("recipient"), None);
}

#[tokio::test]
async fn a_note_is_for_everybody() {
    let stub = Stub::start([made("1")]).await;
    let note = PublicNote { text: "Write to me.", reply_to: None };
    stub.connector.send_note(&stub.site, "19:a@thread.v2", note).await.unwrap();
    let seen = stub.last_request();
    assert_eq!(seen.path_and_query, "/emea/v3/conversations/19%3Aa%40thread.v2/activities");
    assert_eq!(seen.json()["text"], "Write to me.");
}

#[tokio::test]
async fn the_token_goes_to_listed_hosts_only() {
    let stub = Stub::start([]).await;
    for url in ["https://evil.example/", "http://127.0.0.2:1/", "https://127.0.0.1.evil.example/"] {
        let outside = stub.connector.admit(url, "tenant-1");
        assert!(matches!(
            outside,
            Err(UntrustedServiceUrl::Refused(UrlRefused::Host | UrlRefused::Scheme))
        ));
    }
    let redirected = Stub::start([answer_with(307, "location", "http://127.0.0.1:1/")]).await;
    assert_eq!(redirected.send(ConversationKind::Personal).await, Err(CallError::Nonsense));
    assert_eq!(redirected.count(), 1);
}

#[tokio::test]
async fn a_message_that_may_have_been_sent_is_never_sent_again() {
    for status in [408, 500] {
        let stub = Stub::start([answer(status, &json!({})), made("1")]).await;
        let sent = stub.send(ConversationKind::Personal).await;
        assert_eq!(sent, Err(CallError::Uncertain), "{status}");
        assert_eq!(stub.count(), 1, "{status}");
    }
    let stub = Stub::start_with(SHORT, [Reply::Silence, made("1")]).await;
    assert_eq!(stub.send(ConversationKind::Personal).await, Err(CallError::Uncertain));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_message_is_not_tried_again() {
    let stub = Stub::start([Reply::Reset]).await;
    let note = PublicNote { text: "x", reply_to: None };
    let sent = stub.connector.send_note(&stub.site, "19:a", note).await;
    assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 1));
}

#[tokio::test]
async fn a_connector_that_is_not_there_was_told_nothing() {
    let stub = Stub::start([]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let site = stub.connector.admit(&closed, "tenant-1").unwrap();
    let note = PublicNote { text: "x", reply_to: None };
    let sent = stub.while_time_passes(stub.connector.send_note(&site, "19:a", note)).await;
    assert_eq!(sent, Err(CallError::Unavailable));
}

#[tokio::test]
async fn a_lost_answer_is_an_answer_without_an_id() {
    let stub = Stub::start_with(SHORT, [Reply::HalfThenSilence(201, r#"{"id":"#)]).await;
    let sent = stub.send(ConversationKind::Personal).await.unwrap();
    assert_eq!(sent.id(), None);
    let update = stub.connector.update(&stub.site, &sent, &card()).await;
    assert_eq!(update, Err(CallError::NotFound));
}

#[tokio::test]
async fn who_is_asked_to_wait_waits_and_tries_once_more() {
    let stub = Stub::start([answer_with(429, "retry-after", "2"), made("1")]).await;
    let (sent, waited) = stub.send_while_time_passes().await;
    assert_eq!(sent.unwrap().id(), Some("1"));
    assert!(waited >= Duration::from_secs(2));
    assert_eq!(stub.count(), 2);

    let stub = Stub::start([refusal(412, "PreconditionFailed"), made("1")]).await;
    let (sent, _) = stub.send_while_time_passes().await;
    assert_eq!(sent.unwrap().id(), Some("1"));

    let stub = Stub::start(std::iter::repeat_n(answer_with(429, "retry-after", "1"), 4)).await;
    let (sent, waited) = stub.send_while_time_passes().await;
    let Err(CallError::Throttled(Some(wait))) = sent else { panic!("{sent:?}") };
    assert!(
        wait > SEND_PATIENCE / 2,
        "{wait:?}: the next three sends have thirty seconds of their own"
    );
    assert!(waited >= Duration::from_secs(2));
    assert_eq!(stub.count(), 3);

    let stub = Stub::start(std::iter::repeat_n(refusal(412, "PreconditionFailed"), 4)).await;
    let (sent, _) = stub.send_while_time_passes().await;
    assert!(matches!(sent, Err(CallError::Refused { status: 412, .. })));
    assert_eq!(stub.count(), 3);
}

#[tokio::test]
async fn a_message_that_a_gateway_stumbled_over_is_sent_three_times_at_most() {
    for status in [502, 503, 504] {
        let stumble = || refusal(status, "ServiceError");
        let stub = Stub::start([stumble(), stumble(), made("3")]).await;
        let (sent, waited) = stub.send_while_time_passes().await;
        assert_eq!(sent.unwrap().id(), Some("3"), "{status}");
        assert!(waited >= Duration::from_millis(2_500), "{status}: {waited:?}");

        let stub = Stub::start([stumble(), stumble(), stumble(), made("4")]).await;
        let (sent, _) = stub.send_while_time_passes().await;
        assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 3), "{status}");

        // What certainly did nothing does not take the doubt about the attempt before it away.
        let stub = Stub::start([stumble(), refusal(401, "BotNotRegistered")]).await;
        let (sent, _) = stub.send_while_time_passes().await;
        assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 2), "{status}");
        let stub = Stub::start([stumble(), refusal(403, "BotNotInConversationRoster")]).await;
        let (sent, _) = stub.send_while_time_passes().await;
        assert_eq!((sent, stub.count()), (Err(CallError::NotInstalled), 2), "{status}");
    }
    let stub = Stub::start([answer_with(503, "retry-after", "60"), made("1")]).await;
    let (sent, _) = stub.send_while_time_passes().await;
    assert_eq!((sent, stub.count()), (Err(CallError::Uncertain), 1));
}

#[tokio::test]
async fn that_the_bot_is_typing_is_said_once_or_not_at_all() {
    let stub = Stub::start([made("a:ada"), refusal(503, ""), made("1")]).await;
    stub.connector.show_typing(&stub.site, "29:ada").await;
    assert_eq!(stub.count(), 2);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_left_to_the_caller() {
    let stub = Stub::start([answer_with(429, "retry-after", "60")]).await;
    let sent = stub.send(ConversationKind::Personal).await;
    assert_eq!(sent, Err(CallError::Throttled(Some(Duration::from_mins(1)))));
    assert_eq!(stub.count(), 1);
}

#[tokio::test]
async fn the_bot_slows_down_before_it_is_told_to() {
    let stub = Stub::start(std::iter::repeat_n(made("1"), 7)).await;
    for _ in 0..6 {
        stub.clock.advance(Duration::from_millis(40));
        stub.send(ConversationKind::Personal).await.unwrap();
    }
    let (sent, waited) = stub.send_while_time_passes().await;
    assert!(sent.is_ok());
    assert!(waited >= Duration::from_millis(400), "{waited:?}");
}

#[tokio::test]
async fn refusals_say_where_else_to_go() {
    let cases = [
        (refusal(403, "BotNotInConversationRoster"), CallError::NotInstalled),
        (refusal(400, "BadArgument"), CallError::TargetedRefused),
        (refusal(404, "ConversationNotFound"), CallError::NotFound),
        (refusal(413, "MessageSizeTooBig"), CallError::TooLarge),
        (refusal(401, "BotNotRegistered"), CallError::Unauthorised),
    ];
    for (reply, error) in cases {
        let stub = Stub::start([reply]).await;
        assert_eq!(stub.send(ConversationKind::GroupChat).await, Err(error));
        assert_eq!(stub.count(), 1);
    }
}

#[tokio::test]
async fn a_personal_chat_is_opened_once_and_remembered() {
    let stub = Stub::start([made("a:ada"), made("a:ada-2")]).await;
    let open = || stub.connector.personal_chat(&stub.site, "oid-ada");
    let chat = open().await.unwrap();
    assert_eq!(chat.id(), "a:ada");
    let seen = stub.last_request();
    assert_eq!(seen.path_and_query, "/emea/v3/conversations");
    assert_eq!(
        seen.json(),
        json!({"isGroup": false, "bot": {"id": "28:app-1"}, "members": [{"id": "oid-ada"}],
            "tenantId": "tenant-1", "channelData": {"tenant": {"id": "tenant-1"}}}),
    );
    assert_eq!(open().await, Ok(chat));
    assert_eq!(stub.count(), 0);
    stub.connector.forget_personal_chat(&stub.site, "oid-ada");
    assert_eq!(open().await.unwrap().id(), "a:ada-2");
}

#[tokio::test]
async fn a_chat_without_an_id_is_none() {
    let stub = Stub::start([answer(201, &json!({})), answer(201, &json!("x"))]).await;
    for _ in 0..2 {
        let chat = stub.connector.personal_chat(&stub.site, "oid-ada").await;
        assert_eq!(chat, Err(CallError::Nonsense));
    }
}

#[tokio::test]
async fn a_member_is_looked_up_and_asked_for_again_where_a_gateway_stumbled() {
    let ada = json!({"id": "29:ada", "objectId": "oid-ada", "name": "Ada", "userRole": "user",
        "email": "ada@corp.example", "userPrincipalName": "ada@corp.example", "tenantId": "tenant-1"});
    let stub = Stub::start([answer(502, &json!({})), answer(200, &ada)]).await;
    let roster = stub.roster(vec!["19:t@thread.tacv2"]);
    let workspace = Workspace::standalone("tenant-1");
    let person =
        Person { platform: crate::teams::PLATFORM.id(), workspace, user: "oid-ada".to_owned() };
    let token = SecretString::from("");
    let profile = roster.profile(&person, Some(&token));
    let profile = stub.while_time_passes(profile).await.unwrap();
    assert!(matches!(profile.email, EmailAddress::Confirmed(_)));
    assert_eq!(
        stub.last_request().path_and_query,
        "/emea/v3/conversations/19%3At%40thread.tacv2/members/29%3Aada"
    );

    assert_eq!(roster.found(), Some("19:t@thread.tacv2"));

    let stub = Stub::start([answer(500, &json!({}))]).await;
    let roster = stub.roster(vec!["19:t@thread.tacv2"]);
    assert_eq!(roster.profile(&person, Some(&token)).await, Err(ProfilesError::Unavailable));
    assert_eq!((roster.found(), stub.count()), (None, 1), "what passes is no reason to go on");
}

#[tokio::test]
async fn somebody_is_sought_in_their_team_then_in_the_channel_then_in_their_own_chat() {
    let ada = || answer(200, &json!({"id": "29:ada", "objectId": "oid-ada"}));
    let places = ["19:t@thread.tacv2", "19:c@thread.tacv2"];
    let not_there = || refusal(403, "BotNotInConversationRoster");
    let unknown = || refusal(404, "MemberNotFoundInConversation");
    let throttled = || answer_with(429, "retry-after", "60");
    let minute = Some(Duration::from_mins(1));
    let cases = [
        (vec![ada()], Ok(places[0]), 1),
        (vec![unknown(), ada()], Ok(places[1]), 2),
        (vec![refusal(403, "Other"), not_there(), made("a:1"), ada()], Ok("a:1"), 4),
        (vec![unknown(), not_there(), not_there()], Err(CallError::NotFound), 3),
        (vec![not_there(), unknown(), made("a:1"), unknown()], Err(CallError::NotInstalled), 4),
        (vec![not_there(), throttled()], Err(CallError::Throttled(minute)), 2),
        (vec![not_there(), not_there(), throttled()], Err(CallError::Throttled(minute)), 3),
        // Their own chat is where they wrote.
        (vec![not_there(), not_there(), made(places[1])], Err(CallError::NotInstalled), 3),
    ];
    for (replies, expected, calls) in cases {
        let stub = Stub::start(replies).await;
        let sought =
            Sought { account: "29:ada", rosters: places.to_vec(), patience: Patience::Long };
        let found = stub.connector.seek(&stub.site, &sought).await;
        let found = found.map(|found| found.roster);
        assert_eq!(found, expected.map(str::to_owned));
        assert_eq!(stub.count(), calls);
    }
}

#[tokio::test]
async fn whoever_is_found_nowhere_is_out_of_reach_and_no_stranger() {
    for (error, expected) in [
        (CallError::NotFound, ProfilesError::OutOfReach),
        (CallError::NotInstalled, ProfilesError::OutOfReach),
        (CallError::Throttled(None), ProfilesError::Throttled(None)),
        (CallError::Unavailable, ProfilesError::Unavailable),
        (CallError::Nonsense, ProfilesError::Unavailable),
        (CallError::Unauthorised, ProfilesError::NotAllowed("bad_credentials")),
    ] {
        assert_eq!(ProfilesError::from(error), expected);
    }
}

#[tokio::test]
async fn somebody_who_watches_waits_less_for_a_turn_than_somebody_with_a_promise() {
    let ada = answer(200, &json!({"id": "29:ada"}));
    let mut stub = Stub::start(std::iter::repeat_n(ada, 13)).await;
    Arc::get_mut(&mut stub.connector).unwrap().brief_patience = Duration::from_millis(10);
    let seek = async |patience| {
        let sought = Sought { account: "29:ada", rosters: vec!["19:g"], patience };
        stub.connector.seek(&stub.site, &sought).await.map(drop)
    };
    for _ in 0..12 {
        seek(Patience::Long).await.unwrap();
        // The tenant's pace is a matter of its own.
        stub.clock.advance(Duration::from_millis(40));
    }
    assert!(matches!(seek(Patience::Brief).await, Err(CallError::Throttled(Some(_)))));
    let turn = async {
        stub.clock.advance(Duration::from_millis(500));
    };
    let (sought, ()) = tokio::join!(seek(Patience::Long), turn);
    assert_eq!((sought, stub.count()), (Ok(()), 13));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    let large = json!({"id": "29:ada", "name": "x".repeat(100 * 1024)});
    let stub = Stub::start([answer(200, &large)]).await;
    let sought = Sought { account: "29:ada", rosters: vec!["a:1"], patience: Patience::Brief };
    let found = stub.connector.seek(&stub.site, &sought).await;
    assert_eq!(found, Err(CallError::Nonsense));
}

#[tokio::test]
async fn a_message_that_was_refused_for_its_token_is_sent_with_a_fresh_one() {
    let denied = || answer(401, &json!({"message": "Authorization has been denied."}));
    let stub = Stub::start([made("1"), denied(), made("2"), denied(), denied()]).await;
    stub.send(ConversationKind::Personal).await.unwrap();
    stub.clock.advance(Duration::from_mins(2));
    let sent = stub.send(ConversationKind::Personal).await.unwrap();
    assert_eq!((sent.id(), stub.count(), stub.granted()), (Some("2"), 3, 2));
    assert_eq!(stub.last_request().headers["authorization"], "Bearer bot-token-2");

    // A token that was just asked for is not the trouble, so nothing is tried again.
    for _ in 0..2 {
        let sent = stub.send(ConversationKind::Personal).await;
        assert_eq!(sent, Err(CallError::Unauthorised));
    }
    assert_eq!((stub.count(), stub.granted()), (2, 2));
}

#[tokio::test]
async fn a_hundred_calls_that_are_refused_at_once_ask_for_one_token() {
    let denied = std::iter::repeat_n(refusal(401, "BotNotRegistered"), 200);
    let stub = Stub::start(std::iter::once(made("1")).chain(denied)).await;
    stub.send(ConversationKind::Personal).await.unwrap();
    stub.clock.advance(Duration::from_mins(2));
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let (connector, site) = (Arc::clone(&stub.connector), stub.site.clone());
            tokio::spawn(async move {
                let place = format!("a:{number}");
                let rosters = vec![place.as_str()];
                let sought = Sought { account: "29:a", rosters, patience: Patience::Long };
                connector.seek(&site, &sought).await
            })
        })
        .collect();
    // Time passes for the sake of the pace, and too little for yet another token.
    let (started, before) = (Instant::now(), stub.clock.now());
    while calls.iter().any(|call| !call.is_finished()) {
        assert!(started.elapsed() < Duration::from_secs(5));
        if crate::clock::between(before, stub.clock.now()) < Duration::from_secs(30) {
            stub.clock.advance(Duration::from_millis(10));
        }
        tokio::task::yield_now().await;
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(CallError::Unauthorised));
    }
    assert_eq!(stub.granted(), 2);
}
