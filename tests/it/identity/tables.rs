//! A table is taken whole or not at all.

use std::path::PathBuf;
use std::time::Duration;

use novu_connect_bot::app::{App, Config};
use novu_connect_bot::clock::SystemClock;
use novu_connect_bot::random::SystemRandom;
use std::sync::Arc;

use super::{CHAIN, CREATE, minted_for};
use crate::bot::{ADA, Bot, Settings, TEAM, no_files};

const HEAD: &str = "platform,workspace,user,subscriber\n";
const REFUSED: &str = "connect_identity_tables_refused_total";

struct Table {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Table {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Self { _folder: folder, path }
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(&self.path, text).unwrap();
    }

    fn settings<'a>(&'a self, chain: &'a str) -> [(&'a str, &'a str); 3] {
        [(CHAIN, chain), (CREATE, chain), ("CONNECT_IDENTITY__TABLE", self.path.to_str().unwrap())]
    }

    /// What keeps a service with this table from starting.
    async fn why_it_does_not_start(&self) -> String {
        let settings: Settings = self
            .settings("table")
            .into_iter()
            .chain([
                ("CONNECT_NOVU__API_KEY", "canary-novu-key"),
                ("CONNECT_SLACK__SIGNING_SECRETS", "canary-signing-secret"),
                ("CONNECT_SLACK__INTEGRATION", "slack"),
                ("CONNECT_STORE__URL", "memory"),
            ])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let config = Config::load(None, settings, &no_files).unwrap();
        let app = App::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await;
        app.map(drop).map_err(|error| format!("{error:#}")).unwrap_err()
    }
}

fn rows(count: usize) -> String {
    let others = (1..count).map(|number| format!("slack,{TEAM},U{number},s{number}\n"));
    format!("{HEAD}slack,{TEAM},{ADA},1042\n{}", others.collect::<String>())
}

async fn minted_later(bot: &Bot) -> String {
    bot.clock.advance(Duration::from_secs(61));
    bot.command(ADA, "").await.link();
    minted_for(bot)
}

#[tokio::test]
async fn a_table_that_is_not_whole_leaves_the_last_one_in_force_and_raises_one_alarm() {
    let table = Table::new("people.csv", rows(10));
    let bot = Bot::start_with(&table.settings("table,template")).await;
    assert_eq!(minted_later(&bot).await, "1042");
    assert_eq!(bot.metric(REFUSED).await, 0);

    let slow_writer = rows(10).replace("1042\n", "104");
    let cut = &slow_writer[..slow_writer.find("104").unwrap() + 3];
    let others = rows(5).replace(&format!("slack,{TEAM},{ADA},1042\n"), "");
    let bad = ["", HEAD, cut, &others, &rows(10)[..rows(10).len() - 1], "what is this?\n"];
    for (before, text) in bad.into_iter().enumerate() {
        table.write(text);
        assert_eq!(minted_later(&bot).await, "1042", "{text:?}");
        assert_eq!(minted_later(&bot).await, "1042", "{text:?}");
        assert_eq!(bot.metric(REFUSED).await, before as u64 + 1, "{text:?}");
    }

    // Meant all the same: taken after a restart.
    table.write(&others);
    let settings = bot.settings();
    let bot = bot.restart(settings).await;
    assert_eq!(minted_later(&bot).await, format!("slack:{TEAM}:{ADA}"));
    // What older messages say by now is told elsewhere.
    bot.slack.clear_messages();
}

#[tokio::test]
async fn a_change_that_keeps_size_and_time_is_noticed() {
    let table = Table::new("people.csv", rows(3));
    let bot = Bot::start_with(&table.settings("table")).await;
    assert_eq!(minted_later(&bot).await, "1042");
    let times = std::fs::metadata(&table.path).unwrap().modified().unwrap();
    table.write(rows(3).replace("1042", "2042"));
    let file = std::fs::File::options().write(true).open(&table.path).unwrap();
    file.set_modified(times).unwrap();
    assert_eq!(minted_later(&bot).await, "2042");
}

#[tokio::test]
async fn a_service_does_not_start_on_a_table_that_is_not_whole_and_says_why() {
    let utf16 = HEAD.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16).collect();
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("people.csv", Vec::new(), "the file has no rows"),
        ("people.toml", Vec::new(), "the file has no rows"),
        ("people.csv", format!("{HEAD}slack,T1,U1,104").into(), "the last line is not whole"),
        ("people.csv", HEAD.replace(',', ";").into(), "separates the columns by semicolons"),
        ("people.csv", utf16, "encoded as UTF-16"),
        ("people.csv", b"platform,workspace,user\nslack,T1,U1\n".to_vec(), "line 1 must name"),
    ];
    for (name, text, why) in cases {
        let complaint = Table::new(name, text).why_it_does_not_start().await;
        assert!(complaint.contains(why), "{complaint}");
    }
    let table = Table::new("people.csv", "");
    std::fs::remove_file(&table.path).unwrap();
    let complaint = table.why_it_does_not_start().await;
    assert_eq!(complaint.matches("No such file").count(), 1, "{complaint}");
}

#[tokio::test]
async fn a_byte_order_mark_and_the_line_ends_of_windows_are_no_obstacle() {
    let table = Table::new("people.csv", format!("\u{feff}{}", rows(3)).replace('\n', "\r\n"));
    let bot = Bot::start_with(&table.settings("table")).await;
    assert_eq!(minted_later(&bot).await, "1042");
}

#[tokio::test]
async fn a_table_names_subscribers_and_refuses_whom_it_does_not_have() {
    let table = Table::new("people.csv", format!("{HEAD}slack,{TEAM},{ADA},ada@work\n"));
    let bot = Bot::start_with(&table.settings("table")).await;
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "ada@work");
    assert_eq!(bot.command("U0GRACE", "").await.code(), "C-IDENTITY");

    // Read anew when it changes.
    table.write(format!("{HEAD}slack,{TEAM},{ADA},countess\n"));
    bot.clock.advance(Duration::from_secs(2));
    bot.command(ADA, "").await.link();
    assert_eq!(minted_for(&bot), "countess");
}
