use super::*;
use jiff::Timestamp;

use crate::clock::ManualClock;
use crate::core::person::{Person, Workspace};
use crate::slack::PLATFORM;

const HEAD: &str = "platform,workspace,user,subscriber\n";

struct Story {
    _folder: tempfile::TempDir,
    path: PathBuf,
    clock: ManualClock,
    metrics: Arc<Metrics>,
    table: TableResolver,
}

impl Story {
    async fn begin(rows: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        std::fs::write(&path, format!("{HEAD}{rows}")).unwrap();
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let metrics = Arc::new(Metrics::new());
        let shared = Arc::new(clock.clone());
        let table =
            TableResolver::open(path.clone(), vec![&PLATFORM], shared, Arc::clone(&metrics))
                .await
                .unwrap();
        Self { _folder: folder, path, clock, metrics, table }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.path, text).unwrap();
        self.clock.advance(LOOK_EVERY);
    }

    async fn subscriber(&self) -> Option<String> {
        let ada = Person {
            platform: PLATFORM.id(),
            workspace: Workspace::standalone("T1"),
            user: "U1".to_owned(),
        };
        match self.table.resolve(Subject { platform: &PLATFORM, person: &ada, served: 1 }).await {
            Resolution::Found(found) => Some(found.id.as_str().to_owned()),
            _ => None,
        }
    }

    fn alarms(&self) -> u64 {
        self.metrics.tables_refused.get()
    }
}

#[tokio::test]
async fn the_table_follows_its_file_and_outlives_a_bad_one_with_one_alarm() {
    let story = Story::begin("slack,T1,U1,ada\nslack,T1,U2,b\nslack,T1,U3,c\n").await;
    assert_eq!(story.subscriber().await.as_deref(), Some("ada"));
    let others = "slack,T1,U2,b\nslack,T1,U3,c\n";
    story.write(&format!("{HEAD}slack,T1,U1,lovelace\n{others}"));
    assert_eq!(story.subscriber().await.as_deref(), Some("lovelace"));
    assert_eq!(story.alarms(), 0);

    let bad = [
        String::new(),
        HEAD.to_owned(),
        format!("{HEAD}slack,T1,U2,b\n"),
        format!("{HEAD}{others}slack,T1,U1,10"),
        format!("{HEAD}{others}slack,T1,U1,a\nslack,T1,U1,b\n"),
    ];
    for (before, text) in bad.iter().enumerate() {
        story.write(text);
        assert_eq!(story.subscriber().await.as_deref(), Some("lovelace"), "{text:?}");
        assert_eq!(story.alarms(), before as u64 + 1, "{text:?}");
        story.clock.advance(READ_EVERY);
        assert_eq!(story.subscriber().await.as_deref(), Some("lovelace"));
        assert_eq!(story.alarms(), before as u64 + 1, "the same file raises one alarm");
    }
    std::fs::remove_file(&story.path).unwrap();
    story.clock.advance(READ_EVERY);
    assert_eq!(story.subscriber().await.as_deref(), Some("lovelace"));
    story.clock.advance(READ_EVERY);
    assert_eq!(story.subscriber().await.as_deref(), Some("lovelace"));
    assert_eq!(story.alarms(), bad.len() as u64 + 1);

    story.write(&format!("{HEAD}{others}"));
    assert_eq!(story.subscriber().await, None, "half of the rows and more may be meant");
}

#[tokio::test]
async fn a_change_that_keeps_size_and_time_is_noticed() {
    let story = Story::begin("slack,T1,U1,ada\n").await;
    let times = std::fs::metadata(&story.path).unwrap().modified().unwrap();
    story.write(&format!("{HEAD}slack,T1,U1,bob\n"));
    std::fs::File::options().write(true).open(&story.path).unwrap().set_modified(times).unwrap();
    story.clock.advance(READ_EVERY);
    assert_eq!(story.subscriber().await.as_deref(), Some("bob"));
}

#[tokio::test]
async fn a_clock_that_steps_back_does_not_keep_the_table_old() {
    let story = Story::begin("slack,T1,U1,ada\n").await;
    story.clock.set(Timestamp::from_second(-3600).unwrap());
    story.clock.advance(LOOK_EVERY);
    std::fs::write(&story.path, format!("{HEAD}slack,T1,U1,lovelace\n")).unwrap();
    assert_eq!(story.subscriber().await.as_deref(), Some("lovelace"));
}

#[tokio::test]
async fn what_is_not_whole_is_refused_at_the_start_too() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |name: &str| {
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        TableResolver::open(folder.path().join(name), vec![&PLATFORM], clock, Arc::default()).await
    };
    for (name, text) in
        [("a.csv", ""), ("b.csv", HEAD), ("c.toml", ""), ("d.csv", "platform;user\n")]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
        assert!(open(name).await.is_err(), "{name}");
    }
    let missing = anyhow::Error::from(open("e.csv").await.unwrap_err());
    assert_eq!(format!("{missing:#}").matches("No such file").count(), 1, "{missing:#}");
}
