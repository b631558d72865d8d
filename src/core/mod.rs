//! The core: who is this person, what is their link, what do we answer.
//!
//! It takes a [`Person`] and an [`Intent`] and gives an [`Answer`]; it knows no wire format of any
//! chat platform. A platform brings its [`Profiles`] of its people, and turns the answer, once
//! [`message`](crate::words::message) has put it into words, into a message of its own.

mod account;
mod answer;
mod candidates;
mod endpoints;
mod explanation;
mod held;
mod integration;
mod intent;
mod known_links;
mod language;
mod linking;
mod person;
mod platform;
mod press;
mod profiles;
mod progress;
mod question;
mod recent;
mod reference;
mod refusal;
pub(crate) mod resolve;
mod workspace_index;
pub mod workspaces;

pub use account::{PROFILES_UNREACHABLE, TOKEN_EXPIRED};
pub use answer::{
    Answer, Connected, Invitee, Lasts, Link, LinkStatus, SignIn, SignInLink, Status, Tested,
    UnknownCommand, WorkspaceAnswer, WorkspaceStart, WrongPerson,
};
pub use explanation::{
    AccountOutcome, AnswerOutcome, ExpectedAnswer, ExplainedAccount, ExplainedConnection,
    ExplainedEndpoint, ExplainedHolder, ExplainedLink, ExplainedPerson, ExplainedResolver,
    ExplainedSubscriber, ExplainedWorkspace, Explanation, HolderOutcome, ResolverOutcome, Step,
};
pub use held::HeldAccounts;
pub use integration::{Access, Integration, TokenCheck};
pub use intent::{Intent, WorkspaceAct};
pub use known_links::{KnownLinks, SeenLink};
pub use language::Language;
pub use linking::{BeforeLink, LinkRemoval, Linking, LinkingParts, PersonsLink, Prospect};
pub use person::{EmailAddress, Kind, Person, PlatformName, Profile, Workspace};
pub use platform::{Platform, typed_id};
pub use press::Press;
pub use profiles::{Profiles, ProfilesError};
pub use question::{DedupKey, LearntLanguage, Question};
pub use reference::Reference;
pub use refusal::{Reason, Refusal};
pub use workspace_index::{WorkspaceIndex, contested_workspaces};
