//! One kill: people ask, the service is killed, it starts again or another replica goes on, and in the
//! end everybody has been answered.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_sandbox::Postgres;
use jiff::Timestamp;
use novu_connect_bot::clock::{Clock, SystemClock};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::LONGEST;
use super::chance::Chance;
use super::service::{Service, Settings};
use super::tally::Tally;
use super::world::{Question, Reply, SignedIn, World};

/// When the service is killed, in milliseconds after the first question.
const BUSY: std::ops::Range<u64> = 1_000..4_000;
/// When it is killed again, in milliseconds after its start, where it is.
const AGAIN: std::ops::Range<u64> = 0..2_000;
/// How long people go on asking afterwards.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// The time between two questions, in milliseconds.
const PAUSE: std::ops::Range<u64> = 40..100;
/// The time between two sign-ins, in milliseconds.
const SIGN_IN: std::ops::Range<u64> = 50..250;
/// The longest that a condition is waited for that says nothing about answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// What runs, and where it keeps its promises.
#[derive(Clone, Copy)]
pub(crate) enum Setup {
    /// One process that keeps them in memory, which is to lose them.
    Memory,
    /// One process with a file.
    Sqlite,
    /// One process with a database.
    Postgres(&'static Postgres),
    /// Two processes with one database, of which one stays dead.
    Replicas(&'static Postgres),
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
            Self::Replicas(_) => "PostgreSQL with two replicas",
        })
    }
}

impl Setup {
    /// The settings of the store; a file goes into the folder.
    fn store(self, folder: &TempDir) -> Settings {
        let url = match self {
            Self::Memory => "memory".to_owned(),
            Self::Sqlite => format!("sqlite:{}", folder.path().join("store.db").display()),
            Self::Postgres(postgres) | Self::Replicas(postgres) => postgres.database(),
        };
        let keys = "canary-key-of-the-store".to_owned();
        vec![("CONNECT_STORE__URL", url), ("CONNECT_STORE__KEYS", keys)]
    }

    fn replicas(self) -> usize {
        if matches!(self, Self::Replicas(_)) { 2 } else { 1 }
    }
}

/// People who ask without a pause, each once, and some of whom sign in.
struct Crowd {
    world: Arc<World>,
    /// The addresses of the services that live.
    services: Mutex<Vec<String>>,
    questions: Mutex<Vec<Question>>,
    signed_in: Mutex<Vec<SignedIn>>,
}

impl Crowd {
    /// Asks until it is told to stop, and waits for the responses.
    async fn ask(self: Arc<Self>, mut chance: Chance, stop: CancellationToken) {
        let mut asking = JoinSet::new();
        while !stop.is_cancelled() {
            let services = self.services.lock().unwrap().clone();
            if !services.is_empty() {
                let service = services[chance.one_of(services.len())].clone();
                let crowd = Arc::clone(&self);
                let in_slack = chance.one_of(2) == 0;
                asking.spawn(async move {
                    let question = if in_slack {
                        crowd.world.ask_in_slack(&service).await
                    } else {
                        crowd.ask_in_teams(service).await
                    };
                    crowd.questions.lock().unwrap().push(question);
                });
            }
            sleep(chance.millis(PAUSE)).await;
        }
        while asking.join_next().await.is_some() {}
    }

    /// One after the other signs in by a link that is there, whether the service lives or not, until it is
    /// told to stop.
    async fn sign_in(self: Arc<Self>, mut chance: Chance, stop: CancellationToken) {
        let mut tried = HashSet::new();
        while !stop.is_cancelled() {
            sleep(chance.millis(SIGN_IN)).await;
            let seen = self.world.seen();
            let mut can: Vec<_> = self.questions.lock().unwrap().clone();
            can.retain(|it| !tried.contains(&it.place));
            let link = |it: &Question| it.link.clone().or(seen.get(&it.place)?.link.clone());
            let can: Vec<_> = can.iter().filter_map(|it| Some((it, link(it)?))).collect();
            if can.is_empty() {
                continue;
            }
            let (question, link) = &can[chance.one_of(can.len())];
            tried.insert(question.place.clone());
            if let Some(signed_in) = self.world.sign_in(question, link).await {
                self.signed_in.lock().unwrap().push(signed_in);
            }
        }
    }

    /// Writes in Teams, whose connector delivers again what gets no response.
    async fn ask_in_teams(&self, service: String) -> Question {
        let delivery = self.world.message_in_teams();
        let mut question = self.world.deliver(&service, &delivery).await;
        let until = Instant::now() + PATIENCE;
        while question.reply == Reply::Broken && Instant::now() < until {
            sleep(Duration::from_millis(500)).await;
            let service = self.services.lock().unwrap().first().cloned();
            if let Some(service) = service {
                question = self.world.deliver(&service, &delivery).await;
            }
        }
        question
    }

    /// Those who have signed in and have not been told.
    fn untold(&self) -> usize {
        let seen = self.world.seen();
        let told = |it: &SignedIn| seen.get(&it.place).is_some_and(|it| !it.connected.is_empty());
        self.signed_in.lock().unwrap().iter().filter(|it| !told(it)).count()
    }

    /// The questions that were promised an answer which has not come.
    fn waiting(&self) -> usize {
        let seen = self.world.seen();
        let answered = |it: &Question| seen.get(&it.place).is_some_and(|it| !it.answers.is_empty());
        let questions = self.questions.lock().unwrap();
        questions.iter().filter(|it| it.reply == Reply::Promised && !answered(it)).count()
    }
}

/// Tells the story.
pub(crate) async fn tell(setup: Setup, seed: u64) -> Tally {
    let mut chance = Chance::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut story = Story::begin(setup, &folder, &mut chance).await;
    let stop = CancellationToken::new();
    let asking = Arc::clone(&story.crowd).ask(Chance::new(!seed), stop.clone());
    let asking = tokio::spawn(asking);
    let signing_in = Arc::clone(&story.crowd).sign_in(Chance::new(seed ^ 1), stop.clone());
    let signing_in = tokio::spawn(signing_in);
    sleep(chance.millis(BUSY)).await;
    story.kill(&mut chance).await;
    if setup.replicas() == 1 && chance.one_of(2) == 0 {
        sleep(chance.millis(AGAIN)).await;
        story.kill(&mut chance).await;
    }
    sleep(AFTERWARDS).await;
    stop.cancel();
    asking.await.unwrap();
    signing_in.await.unwrap();
    story.end(setup).await
}

/// What goes on in a story.
struct Story {
    world: Arc<World>,
    crowd: Arc<Crowd>,
    settings: Settings,
    alive: Vec<Service>,
    dead: Vec<Service>,
    kills: Vec<Timestamp>,
}

impl Story {
    /// Starts everything. Nobody has asked yet.
    async fn begin(setup: Setup, folder: &TempDir, chance: &mut Chance) -> Self {
        let world = Arc::new(World::start(chance).await);
        let settings = [world.settings(), setup.store(folder)].concat();
        let crowd = Crowd {
            world: Arc::clone(&world),
            services: Mutex::default(),
            questions: Mutex::default(),
            signed_in: Mutex::default(),
        };
        let (crowd, alive) = (Arc::new(crowd), Vec::new());
        let (dead, kills) = (Vec::new(), Vec::new());
        let mut story = Self { world, crowd, settings, alive, dead, kills };
        for _ in 0..setup.replicas() {
            story.start().await;
        }
        for service in &story.alive {
            until("ready", async || service.is_ready(&story.world.http).await).await;
        }
        story
    }

    async fn start(&mut self) {
        let service = Service::start(&self.settings).await;
        self.crowd.services.lock().unwrap().push(service.url.clone());
        self.alive.push(service);
    }

    /// Kills one service while somebody waits, and starts another if it was the last.
    async fn kill(&mut self, chance: &mut Chance) {
        // Without anybody who waits there would be nothing to lose.
        until("somebody waits", async || self.crowd.waiting() > 0).await;
        let mut victim = self.alive.swap_remove(chance.one_of(self.alive.len()));
        self.crowd.services.lock().unwrap().retain(|url| *url != victim.url);
        victim.kill();
        self.kills.push(SystemClock.now());
        self.dead.push(victim);
        if self.alive.is_empty() {
            self.start().await;
        }
    }

    /// Waits until everybody has been answered, and counts.
    async fn end(mut self, setup: Setup) -> Tally {
        let open = async || self.alive[0].open_promises(&self.world.http).await;
        if matches!(setup, Setup::Memory) {
            until("nothing is open", async || open().await == Some(0)).await;
        } else {
            let settled = async || {
                self.crowd.waiting() == 0 && self.crowd.untold() == 0 && open().await == Some(0)
            };
            // What has not come by then is too late.
            let _ = timeout(LONGEST, poll(settled)).await;
        }
        let questions = self.crowd.questions.lock().unwrap().clone();
        let signed_in = self.crowd.signed_in.lock().unwrap().clone();
        let mut tally = Tally::of(&questions, &signed_in, &self.world.seen(), &self.kills);
        let services = self.dead.iter_mut().chain(&mut self.alive);
        let secrets = services.flat_map(Service::log).filter(|line| line.contains("canary"));
        tally.trouble.extend(secrets.map(|line| format!("a secret in the log: {line}")));
        tally
    }
}

async fn poll(condition: impl AsyncFn() -> bool) {
    while !condition().await {
        sleep(Duration::from_millis(100)).await;
    }
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    timeout(PATIENCE, poll(condition)).await.expect(what);
}
