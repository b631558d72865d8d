//! Subscriber ids that are made of a person's own ids, so that a first run needs nothing else.

use super::{Found, Resolution, ResolverKind};
use crate::core::answer::Reason;
use crate::core::person::Person;
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
        Ok(Self(pieces))
    }

    /// Fills the places in.
    #[must_use]
    pub fn fill(&self, person: &Person) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Platform => person.platform.as_str(),
                Piece::Workspace => person.workspace.realm(),
                Piece::Team => person.workspace.id.as_str(),
                Piece::User => person.user.as_str(),
            })
            .collect()
    }

    pub(super) fn resolve(&self, person: &Person) -> Resolution {
        SubscriberId::new(self.fill(person))
            .map_or(Resolution::NotMine(Reason::IdentityUnknown), |id| {
                Resolution::Found(Box::new(Found::id(ResolverKind::Template, id)))
            })
    }
}

impl Piece {
    fn literal(text: &str) -> Result<Self, BadTemplate> {
        if text.contains('}') { Err(BadTemplate::Braces) } else { Ok(Self::Text(text.to_owned())) }
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
    use super::*;
    use crate::core::person::Workspace;

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
            assert_eq!(Template::parse(template).unwrap().fill(&person()), id);
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
        ];
        for (template, problem) in cases {
            assert_eq!(Template::parse(template), Err(problem), "{template}");
        }
    }
}
