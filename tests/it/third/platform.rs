//! A chat platform of the tests' own: JSON over HTTP in, messages in memory out.
//!
//! A platform has to bring nothing else.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use futures_util::future::{BoxFuture, FutureExt, ready};
use novu_connect_bot::answering::{
    Answering, Common, Deliver, Machine, PendingReply, Shown, Surface, SurfaceSettings,
};
use novu_connect_bot::clock::SharedClock;
use novu_connect_bot::core::{
    Access, Answer, DedupKey, EmailAddress, Integration, Intent, Kind, LearntLanguage, Person,
    Platform, Profile, Profiles, ProfilesError, Question, Reference, Refusal,
};
use novu_connect_bot::net::{HostAllowlist, Subdomains};
use novu_connect_bot::random::SharedRandom;
use novu_connect_bot::supervise::Background;
use novu_connect_bot::words::message::{Markup, Target, Voice};
use secrecy::SecretString;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{BUG, Bugs, Seen, Third};

/// The integration in Novu. People sign in at Slack, because Novu knows no third platform.
pub(crate) const INTEGRATION: &str = "third-main";

pub(crate) static PLATFORM: Platform = Platform {
    name: "third",
    brand: "Third Chat",
    provider: "Slack",
    place: "link-workspace",
    only_members_ask: true,
    organisations: None,
    ids_have_case: true,
    guests_sign_in_elsewhere: false,
    delivers_without_connection: false,
    consents_to: &[],
    novu_providers: &["slack"],
    reaches: |endpoint, person| endpoint.user_id() == Some(person.user.as_str()),
};

impl SurfaceSettings for Third {
    fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    fn describe(&self) -> Vec<(&'static str, String)> {
        vec![("Third", INTEGRATION.to_owned())]
    }

    fn open<'a>(&'a self, common: &'a Common) -> BoxFuture<'a, anyhow::Result<Arc<dyn Surface>>> {
        let integration = Integration {
            platform: &PLATFORM,
            identifier: INTEGRATION.to_owned(),
            user_scope: None,
            link_hosts: HostAllowlist::new(["127.0.0.1"], Subdomains::Refused).unwrap(),
            bot_token: None,
            require_profile: true,
            workspace_names: HashMap::new(),
            access: Access::default(),
            tokens: None,
        };
        let linking = common.linking(integration, None);
        let answering = common.answering(self.clone(), linking);
        self.responder.set(Arc::clone(&answering) as _).unwrap();
        let (clock, random) = (Arc::clone(&common.clock), Arc::clone(&common.random));
        let bugs = Arc::clone(&self.bugs);
        ready(Ok(Arc::new(ThirdSurface { answering, bugs, clock, random }) as _)).boxed()
    }
}

#[derive(Debug)]
struct ThirdSurface {
    answering: Arc<Answering<Third>>,
    bugs: Arc<Bugs>,
    clock: SharedClock,
    random: SharedRandom,
}

impl Surface for ThirdSurface {
    fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/third/messages", post(message))
            .route("/third/commands", post(command))
            .route("/third/broken", post(broken))
            .with_state(self)
    }

    fn machine(&self) -> Arc<dyn Machine> {
        Arc::clone(&self.answering) as _
    }

    fn chat_address(&self) -> String {
        "https://chat.third.example/".to_owned()
    }

    fn background(self: Arc<Self>) -> Vec<Background> {
        vec![Background::new("third_chore", &self.bugs, |bugs, stop| async move {
            let told_to_fail = stop.run_until_cancelled(bugs.background.notified()).await;
            assert!(told_to_fail.is_none(), "{BUG}");
        })]
    }
}

async fn broken() {
    panic!("{BUG}");
}

#[derive(Deserialize)]
struct Event {
    id: String,
    user: String,
    text: String,
}

impl ThirdSurface {
    fn pending(&self, event: Event) -> PendingReply<Third> {
        let question = Question {
            asker: super::person(&event.user),
            identified: true,
            intent: Intent::parse(&event.text),
            reference: Reference::new(&*self.random),
            command: String::new(),
            name: None,
            language: LearntLanguage::default(),
            asked_at: self.clock.now(),
            in_place: false,
            dedup_key: Some(DedupKey(Sha256::digest(event.id).into())),
        };
        PendingReply::new(question, (), None)
    }
}

async fn message(State(third): State<Arc<ThirdSurface>>, Json(event): Json<Event>) -> StatusCode {
    let stored = third.answering.acknowledged(third.pending(event)).await;
    stored.map_or(StatusCode::SERVICE_UNAVAILABLE, |()| StatusCode::OK)
}

/// Answers in the response: with the word for the answer.
async fn command(State(third): State<Arc<ThirdSurface>>, Json(event): Json<Event>) -> &'static str {
    let deadline = Instant::now() + Duration::from_secs(2);
    let (_, answer) = third.answering.within(deadline, third.pending(event)).await.unwrap();
    answer.name()
}

impl Deliver for Third {
    const PLATFORM: &'static Platform = &PLATFORM;
    const JOBS: &'static str = "third_reply";
    const FOLLOW_UPS: &'static str = "third_follow_up";
    const WATCHES: &'static str = "third_watch";
    const WAYS: &'static [&'static str] = &["message"];
    const LONGEST_LINK: usize = 3000;
    const OUTLIVES_LINKS: bool = true;
    const SETTLE: Duration = Duration::ZERO;
    const FIRST_SIGNAL: Option<Duration> = None;
    const FIRST_SIGN: Duration = Duration::from_secs(2);

    /// The message's number, once it has been seen.
    type Place = Option<usize>;
    type Lookup = ();

    fn profiles<'a>(&'a self, (): &'a ()) -> impl Profiles + 'a {
        self
    }

    fn recall(&self, _hint: Option<&str>) -> Option<()> {
        Some(())
    }

    fn lookup_unasked(&self, _newest: Option<&Option<usize>>) -> Option<()> {
        Some(())
    }

    async fn identify(&self, _: &Question, (): &()) -> Result<Option<Person>, Refusal> {
        Ok(None)
    }

    async fn signal(&self, _place: &Option<usize>) {}

    async fn show(&self, at: &mut Option<usize>, question: &Question, answer: &Answer) -> Shown {
        Bugs::strike(&self.bugs.messages);
        if let Some(failure) = self.failures.lock().unwrap().pop() {
            return failure;
        }
        let (language, reference) = (question.language(), question.reference);
        let voice =
            Voice { language, command: &question.command, reference, support: None, markup: self };
        let message = voice.message(answer);
        let user = question.asker.user.clone();
        let link = message.buttons.iter().find_map(|button| match &button.target {
            Target::Link(link) => Some(link.expose().to_owned()),
            Target::Press(_) => None,
        });
        let now = Seen { user, text: message.spoken, link };
        let mut seen = self.seen.lock().unwrap();
        let at = *at.get_or_insert(seen.len());
        seen.insert(at, now);
        Shown::Shown("message")
    }

    fn unasked(&self, _newest: Option<&Option<usize>>) -> Option<Option<usize>> {
        Some(None)
    }
}

impl Profiles for Third {
    fn profile<'a>(
        &'a self,
        person: &'a Person,
        _token: Option<&'a SecretString>,
    ) -> BoxFuture<'a, Result<Profile, ProfilesError>> {
        Bugs::strike(&self.bugs.profiles);
        let name = Some(person.user.clone());
        let email = EmailAddress::NotTold;
        let (locale, other_ids) = Default::default();
        let kind = Kind::Member;
        ready(Ok(Profile { name, locale, email, kind, other_ids, administrator: false })).boxed()
    }
}

impl Markup for Third {
    fn escape<'a>(&self, line: &'a str) -> Cow<'a, str> {
        line.into()
    }
}
