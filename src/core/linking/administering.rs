//! What an administrator asks for in chat: their own workspace, and no other.

use super::Linking;
use super::facts::learn;
use crate::core::answer::{Answer, WorkspaceAnswer, WorkspaceStart};
use crate::core::intent::WorkspaceAct;
use crate::core::person::{Kind, Profile};
use crate::core::profiles::{Profiles, ProfilesError};
use crate::core::question::Question;
use crate::core::refusal::{Reason, Refusal};
use crate::core::workspaces::{ConnectedWorkspace, DisconnectOrder, Given, NewRequest, Requester};
use crate::digest::digest_of;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// All of it, for their own workspace.
    All,
    /// Ask for the page on which the provider lets only administrators go on.
    Consent,
}

impl Linking {
    /// Does what an administrator asks for, after it is certain that they are one.
    pub(super) async fn administer(
        &self,
        act: WorkspaceAct,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let rights = self.rights(act, question, profiles).await?;
        let answer = match act {
            WorkspaceAct::Connect => self.connect_workspace(question, rights).await,
            WorkspaceAct::Reconnect => {
                self.changeable(question).await?;
                self.start_page(question, true).await
            }
            WorkspaceAct::Show => self.overview(question, false).await,
            WorkspaceAct::Check => self.overview(question, true).await,
            WorkspaceAct::Disconnect => {
                self.changeable(question).await.map(WorkspaceAnswer::DisconnectWanted)
            }
            WorkspaceAct::DisconnectNow { remove_links } => {
                let connected = self.changeable(question).await?;
                let order = DisconnectOrder {
                    workspace: Some(question.asker.workspace.clone()),
                    connection: Some(connected.connection),
                    remove_links,
                    requester: requester(question),
                    key: Some(key_of(question)),
                };
                let ordered = self.workspaces.disconnect(order).await;
                ordered.map(|_| WorkspaceAnswer::Disconnecting)
            }
        };
        Ok(said(answer?))
    }

    async fn connect_workspace(
        &self,
        question: &Question,
        rights: Rights,
    ) -> Result<WorkspaceAnswer, Refusal> {
        let connected = self.workspaces.list(Some(&question.asker.workspace)).await?;
        if connected.is_empty() {
            return self.start_page(question, false).await;
        }
        match rights {
            Rights::All => Ok(self.shown(connected)),
            Rights::Consent => Err(Reason::ConnectedAlready.into()),
        }
    }

    async fn start_page(
        &self,
        question: &Question,
        reconnects: bool,
    ) -> Result<WorkspaceAnswer, Refusal> {
        let prepared = self.workspaces.prepare(NewRequest {
            workspace: question.asker.workspace.clone(),
            requester: requester(question),
            reconnects,
            given: Given::default(),
            key: Some(key_of(question)),
        });
        let prepared = prepared.await?;
        let (workspace, page) = (prepared.request.workspace_name, prepared.page);
        Ok(WorkspaceAnswer::Start(WorkspaceStart { workspace, page, reconnects }))
    }

    /// What is connected; with `checked`, whether it works.
    async fn overview(
        &self,
        question: &Question,
        checked: bool,
    ) -> Result<WorkspaceAnswer, Refusal> {
        let workspace = &question.asker.workspace;
        let mut connected = self.workspaces.list(Some(workspace)).await?;
        if connected.is_empty() {
            return Err(Reason::WorkspaceNotConnected.into());
        }
        if checked {
            for one in &mut connected {
                *one = self.workspaces.check(Some(workspace), Some(&one.connection)).await?;
            }
        }
        Ok(self.shown(connected))
    }

    fn shown(&self, connected: Vec<ConnectedWorkspace>) -> WorkspaceAnswer {
        WorkspaceAnswer::Overview { connected, can_reconnect: self.can_reconnect() }
    }

    fn can_reconnect(&self) -> bool {
        !self.integration.platform.consents_once()
    }

    /// The connection of the asker's workspace, if they may change it. Where it is the whole organisation's,
    /// only those whom the operator has listed may: a change concerns all of its workspaces.
    async fn changeable(&self, question: &Question) -> Result<ConnectedWorkspace, Refusal> {
        let at = &question.asker.workspace;
        let connected = self.workspaces.check(Some(at), None).await?;
        let is_organisations = at.enterprise.is_some() && connected.workspace == at.enterprise;
        if is_organisations && !self.workspaces.is_listed(&question.asker.user) {
            return Err(Reason::NotAdministrator.into());
        }
        Ok(connected)
    }

    /// What an administrator reads in place of a refusal, if it is their workspace's token that has died.
    /// Without it the bot can send them nothing, so they learn it when they ask for something.
    pub(super) async fn token_died(
        &self,
        question: &Question,
        refusal: &Refusal,
    ) -> Option<Answer> {
        let person = &question.asker;
        let replaceable = self.can_reconnect() && self.integration.bot_token.is_none();
        if refusal.reason != Reason::ProfileUnavailable || !replaceable {
            return None;
        }
        let why = self.profiles.trouble_of(person)?;
        if !self
            .administers_without_a_token(question, WorkspaceAct::Reconnect)
            .await
            .unwrap_or_default()
        {
            return None;
        }
        let workspace = self.workspace_name(person).await;
        Some(said(WorkspaceAnswer::TokenDied { workspace, why }))
    }

    /// Whether somebody counts as an administrator where the platform cannot be asked: whom the operator
    /// has listed, and who has connected the workspace, when it could.
    async fn administers_without_a_token(
        &self,
        question: &Question,
        act: WorkspaceAct,
    ) -> Result<bool, Refusal> {
        let person = &question.asker;
        if self.workspaces.is_listed(&person.user) {
            return Ok(true);
        }
        // Who could once agree may see and renew, but takes nothing away. Where consent decides, asking for
        // the page proves nothing.
        let harmless =
            matches!(act, WorkspaceAct::Show | WorkspaceAct::Check | WorkspaceAct::Reconnect);
        let by_consent = self.integration.platform.consents_once();
        Ok(harmless && !by_consent && self.workspaces.was_connected_by(person).await?)
    }

    /// Lets administrators pass. Where the platform says who is one, that decides; where it has no token by
    /// which it could be asked, whom the operator has listed; where consent is the administrator's proof,
    /// anybody of the tenant may ask for the page, and the provider lets nobody else consent.
    async fn rights(
        &self,
        act: WorkspaceAct,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Rights, Refusal> {
        let person = &question.asker;
        let by_consent = self.integration.platform.consents_once();
        let candidates = self.index.find(&person.workspace).await?;
        let token = self.token_of(&candidates);
        let profile = self.profile(person, profiles, token.as_ref()).await;
        learn(question, &profile);
        let is_one = match profile {
            Ok(Profile { kind: Kind::Member, administrator, .. }) => {
                let listed = by_consent && self.workspaces.is_listed(&person.user);
                if by_consent && !listed && act == WorkspaceAct::Connect {
                    return Ok(Rights::Consent);
                }
                administrator || listed
            }
            Ok(_) | Err(ProfilesError::Stranger) => false,
            // Nobody can be asked: there is no token yet, or it has died.
            Err(
                ProfilesError::NotAllowed(_) | ProfilesError::Expired | ProfilesError::OutOfReach,
            ) => self.administers_without_a_token(question, act).await?,
            Err(error) => return Err(error.into()),
        };
        if is_one { Ok(Rights::All) } else { Err(Reason::NotAdministrator.into()) }
    }
}

/// Another attempt at the same question comes to the same request.
fn key_of(question: &Question) -> [u8; 32] {
    digest_of(["chat", question.reference.as_str()])
}

fn requester(question: &Question) -> Requester {
    Requester::Person {
        person: question.asker.clone(),
        name: question.name.clone(),
        message: question.reference,
    }
}

fn said(answer: WorkspaceAnswer) -> Answer {
    Answer::Workspace(Box::new(answer))
}
