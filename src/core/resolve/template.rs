//! Subscriber ids that are made of a person's own ids, so that a first run needs nothing else.

use super::{Found, Resolution, ResolverKind, Subject};
use crate::core::person::Person;
use crate::core::platform::Platform;
use crate::core::refusal::Reason;
use crate::novu::SubscriberId;

/// A subscriber id with places to fill in.
///
/// | place | becomes |
/// |---|---|
/// | `{platform}` | `slack` or `teams` |
/// | `{workspace}` | the widest place in which the user id means one person: Enterprise Grid organisation, else workspace or tenant |
/// | `{team}` | the workspace or tenant itself |
/// | `{user}` | the user id |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Platform,
    Workspace,
    Team,
    User,
}

/// Why a template cannot be used: what is wrong with it, and the fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// There is no such place.
    #[error("has an unknown placeholder: use {{platform}}, {{workspace}}, {{team}} and {{user}}")]
    UnknownPlace,
    /// A brace is open or closed without its counterpart.
    #[error("has a brace without its counterpart: write placeholders like {{user}}")]
    Braces,
    /// Novu trims subscriber ids in some places and not in others (Novu 3.19, link-user).
    #[error("contains a space: write the subscriber id without")]
    Space,
    /// Where one part ends and the next begins could not be told.
    #[error(
        "has placeholders that nothing separates: write a sign such as : or - right after each \
         placeholder but the last"
    )]
    NoSeparator,
    /// All people would be one subscriber.
    #[error("gives everyone the same subscriber: put {{user}} into it")]
    NoUser,
    /// Two people in different workspaces could be one subscriber.
    #[error("may give people of two workspaces the same subscriber: put {{workspace}} into it")]
    NoWorkspace,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The template is malformed, or two people could get the same subscriber id from it.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(BadTemplate::Space);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').ok_or(BadTemplate::Braces)?;
            pieces.push(Piece::literal(before)?);
            pieces.push(Piece::place(place)?);
            rest = after;
        }
        pieces.push(Piece::literal(rest)?);
        if !pieces.contains(&Piece::User) {
            return Err(BadTemplate::NoUser);
        }
        if !pieces.contains(&Piece::Workspace) && !pieces.contains(&Piece::Team) {
            return Err(BadTemplate::NoWorkspace);
        }
        // Texts and places take turns, so every text but the first and the last separates two places.
        let last = pieces.len() - 1;
        let mut between = pieces[..last].iter().skip(1).filter_map(Piece::text);
        if !between.all(|text| separator(text).is_some()) {
            return Err(BadTemplate::NoSeparator);
        }
        Ok(Self(pieces))
    }

    /// Fills the places in. Two people never get the same id: no part is empty, and none but a GUID,
    /// whose length is known, holds a sign that separates parts.
    ///
    /// # Errors
    /// A part is missing, or could be taken for two.
    pub fn fill(&self, platform: &Platform, person: &Person) -> Result<String, Unfillable> {
        let separators: Vec<char> =
            self.0.iter().skip(1).filter_map(Piece::text).filter_map(separator).collect();
        let mut filled = String::new();
        for piece in &self.0 {
            let id = match piece {
                Piece::Text(text) => {
                    filled.push_str(text);
                    continue;
                }
                Piece::Platform => person.platform.as_str(),
                Piece::Workspace => person.workspace.realm(),
                Piece::Team => person.workspace.id.as_str(),
                Piece::User => person.user.as_str(),
            };
            if id.is_empty() {
                return Err(Unfillable::Missing);
            }
            if id.contains(separators.as_slice()) && !is_guid(id) {
                return Err(Unfillable::Ambiguous);
            }
            filled.push_str(&platform.canonical_id(id));
        }
        Ok(filled)
    }

    pub(super) fn resolve(&self, subject: Subject<'_>) -> Resolution {
        let filled = self.fill(subject.platform, subject.person).map_err(|problem| {
            tracing::warn!(%problem, "identity.template gives this person no subscriber id");
            problem.reason()
        });
        let id = filled.and_then(|id| SubscriberId::new(id).map_err(|_| Reason::IdentityUnknown));
        match id {
            Ok(id) => Resolution::Found(Box::new(Found::id(ResolverKind::Template, id))),
            Err(reason) => Resolution::Refuse(reason.into()),
        }
    }
}

/// Why a person gets no id from a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfillable {
    /// The request names no workspace, as Slack does where somebody is not in one of them but in
    /// their organisation.
    #[error("the platform names no workspace: use {{workspace}} in place of {{team}}")]
    Missing,
    /// An id holds a sign that separates parts of the template.
    #[error("an id holds a separator of the template: separate with a sign that ids never hold")]
    Ambiguous,
}

impl Unfillable {
    const fn reason(self) -> Reason {
        match self {
            Self::Missing => Reason::Incomplete,
            Self::Ambiguous => Reason::IdentityUnknown,
        }
    }
}

/// The sign that ends a part: what a text between two places begins with, if no letter or digit.
fn separator(text: &str) -> Option<char> {
    text.chars().next().filter(|sign| !sign.is_alphanumeric())
}

/// Whether an id is a GUID in its usual form, as Entra's ids are.
fn is_guid(id: &str) -> bool {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| {
            if DASHES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}

impl Piece {
    fn literal(text: &str) -> Result<Self, BadTemplate> {
        if text.contains('}') { Err(BadTemplate::Braces) } else { Ok(Self::Text(text.to_owned())) }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn place(name: &str) -> Result<Self, BadTemplate> {
        match name {
            "platform" => Ok(Self::Platform),
            "workspace" => Ok(Self::Workspace),
            "team" => Ok(Self::Team),
            "user" => Ok(Self::User),
            _ => Err(BadTemplate::UnknownPlace),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::core::person::Workspace;
    use crate::slack::PLATFORM as SLACK;
    use crate::teams;

    fn person() -> Person {
        Person {
            platform: crate::slack::PLATFORM.id(),
            workspace: Workspace {
                id: "T1".to_owned(),
                enterprise: Some("E1".to_owned()),
                org_install: false,
            },
            user: "U1".to_owned(),
        }
    }

    #[test]
    fn places_are_filled_in() {
        let cases = [
            ("{platform}:{workspace}:{user}", "slack:E1:U1"),
            ("{team}-{user}@chat", "T1-U1@chat"),
        ];
        for (template, id) in cases {
            assert_eq!(Template::parse(template).unwrap().fill(&SLACK, &person()).unwrap(), id);
        }
    }

    #[test]
    fn templates_that_would_mix_people_up_are_refused() {
        let cases = [
            ("{workspace}", BadTemplate::NoUser),
            ("{user}", BadTemplate::NoWorkspace),
            ("{workspace}{user", BadTemplate::Braces),
            ("{workspace}{user}}", BadTemplate::Braces),
            ("{workspace} {user}", BadTemplate::Space),
            ("{workspace}{email}", BadTemplate::UnknownPlace),
            ("{workspace}{user}", BadTemplate::NoSeparator),
            ("{platform}{workspace}:{user}", BadTemplate::NoSeparator),
            ("{team}x{user}", BadTemplate::NoSeparator),
            ("{team}7:{user}", BadTemplate::NoSeparator),
        ];
        for (template, problem) in cases {
            assert_eq!(Template::parse(template), Err(problem), "{template}");
        }
    }

    #[test]
    fn who_cannot_be_told_apart_gets_no_id() {
        let by_team = Template::parse("{team}-{user}").unwrap();
        let nowhere = Workspace { id: String::new(), ..person().workspace };
        let cases = [
            (Person { workspace: nowhere, ..person() }, Unfillable::Missing),
            (Person { user: "U-1".to_owned(), ..person() }, Unfillable::Ambiguous),
            (Person { workspace: Workspace::standalone("T-1"), ..person() }, Unfillable::Ambiguous),
        ];
        for (person, problem) in cases {
            assert_eq!(by_team.fill(&SLACK, &person), Err(problem));
        }
    }

    /// Everybody with short Slack ids of a few awkward characters, and some people of Entra.
    fn everybody() -> Vec<(&'static Platform, Person)> {
        let letters = ["-", "_", "A"];
        let pairs = letters.iter().flat_map(|one| letters.map(|two| format!("{one}{two}")));
        let slack: Vec<_> = letters
            .iter()
            .map(|one| (*one).to_owned())
            .chain(pairs)
            .chain([String::new()])
            .collect();
        let entra: Vec<_> =
            ["a", "b"].map(|end| format!("3f2504e0-4f89-11d3-9a0c-0305e82c330{end}")).into();
        let all = |platform: &'static Platform, ids: Vec<String>| -> Vec<_> {
            let person = |workspace: &String, user: &String| Person {
                platform: platform.id(),
                workspace: Workspace::standalone(workspace.clone()),
                user: user.clone(),
            };
            let of = |workspace| ids.iter().map(move |user| (platform, person(workspace, user)));
            ids.iter().flat_map(of).collect()
        };
        [all(&SLACK, slack), all(&teams::PLATFORM, entra)].concat()
    }

    fn templates() -> impl Strategy<Value = String> {
        let text = "[-_:.xA]{0,2}";
        let all = vec!["{platform}", "{workspace}", "{team}", "{user}"];
        let places = proptest::sample::subsequence(all, 2..=4).prop_shuffle();
        (places, [text, text, text, text, text]).prop_map(|(places, texts)| {
            let pieces = places.iter().zip(&texts).map(|(place, text)| format!("{text}{place}"));
            pieces.chain([texts[4].clone()]).collect()
        })
    }

    proptest! {
        #[test]
        fn two_people_never_get_one_id(template in templates()) {
            let Ok(template) = Template::parse(&template) else { return Ok(()) };
            let mut owners = HashMap::new();
            for (platform, person) in everybody() {
                let Ok(id) = template.fill(platform, &person) else { continue };
                let earlier = owners.insert(id, person.clone());
                prop_assert!(earlier.is_none(), "{:?} and {:?}", earlier, person);
            }
        }
    }
}
