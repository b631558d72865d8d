//! What people say, on every surface and in both languages: the golden table.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bot::teams::{ADA as TEAMS_ADA, GRACE as TEAMS_GRACE, GROUP, TeamsBot, said};
use crate::bot::{ADA, Bot, GRACE};

/// What people type, and what they mean by it.
const PHRASES: &str = include_str!("../fixtures/phrases.tsv");

/// How the answers begin that only depend on what was said: in English and in German.
const BEGINNINGS: [(&str, [&str; 2]); 5] = [
    ("help", ["This is what you can type", "Das kannst du eingeben"]),
    ("greeting", ["Hello!", "Hallo!"]),
    ("thanks", ["You are welcome!", "Gern geschehen!"]),
    ("guess", ["Did you mean ", "Meintest du "]),
    ("unknown", ["I do not know “", "„"]),
];

/// A row of the table.
#[derive(Clone, Copy)]
struct Row {
    phrase: &'static str,
    /// What is asked for; for a guess, what is guessed.
    intent: &'static str,
    is_guess: bool,
}

fn rows() -> impl Iterator<Item = Row> {
    let rows = PHRASES.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let (phrase, meaning) = row.split_once('\t').expect("two columns");
        let guess = meaning.strip_suffix('?');
        Row { phrase, intent: guess.unwrap_or(meaning), is_guess: guess.is_some() }
    })
}

impl Row {
    /// The intent that is recorded.
    fn recorded(self) -> &'static str {
        if self.is_guess { "unknown" } else { self.intent }
    }

    /// Checks the answer: its beginning, and what its buttons ask for.
    fn check(self, text: &str, presses: &[String], german: bool) {
        let kind = if self.is_guess { "guess" } else { self.intent };
        if let Some((_, beginnings)) = BEGINNINGS.iter().find(|(known, _)| *known == kind) {
            let beginning = beginnings[usize::from(german)];
            assert!(text.starts_with(beginning), "{:?}: {text}", self.phrase);
        }
        let button = match kind {
            "guess" => Some(if self.intent == "connect" { "new_link" } else { self.intent }),
            "help" | "greeting" | "unknown" => Some("new_link"),
            _ => None,
        };
        if let Some(button) = button {
            assert_eq!(presses, [button], "{:?}", self.phrase);
        }
    }
}

/// What the buttons of a message ask for.
fn presses<'a>(buttons: impl Iterator<Item = &'a Value>, prefix: &str) -> Vec<String> {
    let words = buttons.filter_map(|word| word.as_str()?.strip_prefix(prefix));
    words.map(str::to_owned).collect()
}

/// How many questions of that intent were answered, without what became of their links later.
async fn answered(bot: &Bot, platform: &str, intent: &str) -> u64 {
    let name = format!("connect_answers_total{{platform=\"{platform}\",intent=\"{intent}\"");
    let is_later = |line: &str| ["replaced", "run_out"].iter().any(|it| line.contains(it));
    bot.metric_of(|line| line.starts_with(&name) && !is_later(line)).await
}

async fn in_slack(user: &str, german: bool) {
    let bot = Bot::start().await;
    bot.ready().await;
    for row in rows() {
        bot.clock.advance(Duration::from_secs(10));
        let before = answered(&bot, "slack", row.recorded()).await;
        let reply = bot.command_in_the_end(user, row.phrase).await;
        assert_eq!(answered(&bot, "slack", row.recorded()).await, before + 1, "{:?}", row.phrase);
        let nothing = json!([]);
        let blocks = reply.json["blocks"].as_array().expect("blocks");
        let elements = blocks
            .iter()
            .flat_map(|block| block.get("elements").unwrap_or(&nothing).as_array().unwrap());
        let words = presses(elements.map(|element| &element["action_id"]), "connect_press_");
        row.check(reply.text(), &words, german);
    }
    // What becomes of the links is told elsewhere.
    bot.slack.clear_messages();
}

async fn in_teams(oid: &str, group: bool, german: bool) {
    let bot = TeamsBot::start().await;
    let place = if group { GROUP.to_owned() } else { bot.teams.chat(oid) };
    for row in rows() {
        bot.clock.advance(Duration::from_secs(10));
        let cards = bot.teams.seen_by(oid).len();
        let before = answered(&bot, "teams", row.recorded()).await;
        bot.say_in(oid, &place, row.phrase).await;
        bot.settled().await;
        let card = bot.seen(oid, cards + 1).await;
        assert_eq!(answered(&bot, "teams", row.recorded()).await, before + 1, "{:?}", row.phrase);
        let actions = card.actions();
        let words = presses(actions.iter().filter_map(|action| action.get("verb")), "connect.");
        row.check(&said(&card), &words, german);
    }
    // What becomes of the links is told elsewhere.
    bot.teams.clear_messages();
}

#[test]
fn the_table_has_sixty_phrases_and_each_once() {
    let phrases: std::collections::HashSet<_> = rows().map(|row| row.phrase).collect();
    assert_eq!(phrases.len(), rows().count());
    assert!(phrases.len() >= 60, "{}", phrases.len());
}

#[tokio::test]
async fn every_phrase_is_understood_after_slacks_command_in_english() {
    in_slack(ADA, false).await;
}

#[tokio::test]
async fn every_phrase_is_understood_after_slacks_command_in_german() {
    in_slack(GRACE, true).await;
}

#[tokio::test]
async fn every_phrase_is_understood_in_the_own_chat_in_teams_in_english() {
    in_teams(TEAMS_ADA, false, false).await;
}

#[tokio::test]
async fn every_phrase_is_understood_in_the_own_chat_in_teams_in_german() {
    in_teams(TEAMS_GRACE, false, true).await;
}

#[tokio::test]
async fn every_phrase_is_understood_where_the_bot_is_mentioned_in_teams() {
    in_teams(TEAMS_ADA, true, false).await;
    in_teams(TEAMS_GRACE, true, true).await;
}
