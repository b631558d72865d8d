//! Answers as a terminal can show them: Block Kit messages and Adaptive Cards.

use serde_json::Value;

use connect_sandbox::slack;

/// An answer that a person sees in chat.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its texts, and its buttons in brackets.
    pub(super) lines: Vec<String>,
    /// The link behind the sign-in button, if it has one.
    pub(super) link: Option<String>,
}

impl Answer {
    /// Reads a Block Kit message.
    pub(super) fn of_message(message: &Value) -> Self {
        let mut lines = Vec::new();
        for block in items(message, "blocks") {
            lines.extend(block["text"]["text"].as_str().map(slack_text));
            for element in items(block, "elements") {
                let button = element["text"]["text"].as_str().map(button);
                lines.extend(button.or_else(|| element["text"].as_str().map(slack_text)));
            }
        }
        let link = slack::buttons(message).first().and_then(|button| button.get("url")?.as_str());
        Self { lines, link: link.map(str::to_owned) }
    }

    /// Whether it has these words in it.
    pub(super) fn says(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.contains(words))
    }

    /// Reads an Adaptive Card.
    pub(super) fn of_card(card: &Value) -> Self {
        let texts = items(card, "body").iter().filter_map(|block| block["text"].as_str());
        let titles = items(card, "actions").iter().filter_map(|action| action["title"].as_str());
        let link = items(card, "actions").iter().find_map(|action| action["url"].as_str());
        Self {
            lines: texts.map(card_text).chain(titles.map(button)).collect(),
            link: link.map(str::to_owned),
        }
    }
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn button(label: &str) -> String {
    format!("[ {label} ]")
}

/// Slack's markup as what it means: a date by its fallback, entities as characters.
fn slack_text(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, token)) = rest.split_once('<') {
        shown.push_str(before);
        let (token, after) = token.split_once('>').unwrap_or((token, ""));
        shown.push_str(token.rsplit_once('|').map_or(token, |(_, fallback)| fallback));
        rest = after;
    }
    shown.push_str(rest);
    shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// A card's markup as what it means: dates and times in UTC, no stars, no backslashes.
fn card_text(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        shown.push_str(before);
        let (call, after) = after.split_once("}}").unwrap_or((after, ""));
        shown.push_str(&moment(call));
        rest = after;
    }
    shown.push_str(rest);
    shown.replace("**", "").replace('\\', "")
}

/// What `DATE(…)` or `TIME(…)` shows (Adaptive Cards, text features).
fn moment(call: &str) -> String {
    let (function, argument) = call.split_once('(').unwrap_or(("", call));
    let stamp = argument.trim_end_matches(')').split(',').next().unwrap_or_default();
    let format = if function == "TIME" { "%H:%M UTC" } else { "%Y-%m-%d" };
    let moment = stamp.trim().parse::<jiff::Timestamp>();
    moment.map_or_else(|_| stamp.to_owned(), |moment| moment.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn slacks_markup_shows_as_what_it_means() {
        assert_eq!(
            slack_text("until <!date^1^{time}|14:13 UTC> &lt;b&gt; &amp;lt;"),
            "until 14:13 UTC <b> &lt;"
        );
    }

    #[test]
    fn a_card_shows_as_what_it_means() {
        let card = json!({
            "body": [{ "text": "Type **connect** by {{TIME(2026-09-21T14:18:20Z)}}" }],
            "actions": [{ "title": "Sign in", "url": "http://127.0.0.1/" }, { "title": "New link" }],
        });
        let answer = Answer::of_card(&card);
        assert_eq!(answer.lines, ["Type connect by 14:18 UTC", "[ Sign in ]", "[ New link ]"]);
        assert_eq!(answer.link.as_deref(), Some("http://127.0.0.1/"));
        assert_eq!(card_text("on {{DATE(2026-09-21T14:18:20Z,SHORT)}} a\\_b"), "on 2026-09-21 a_b");
    }
}
