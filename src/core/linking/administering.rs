//! What an administrator asks for in chat: their own workspace, and no other.

use super::Linking;
use crate::core::answer::{Answer, WorkspaceAnswer, WorkspaceStart};
use crate::core::intent::WorkspaceAct;
use crate::core::person::{Kind, Profile};
use crate::core::profiles::{Profiles, ProfilesError};
use crate::core::question::Question;
use crate::core::refusal::{Reason, Refusal};
use crate::core::workspaces::{Ask, ConnectedWorkspace, Given, Removal, Requester};
use crate::digest::digest_of;

impl Linking {
    /// Does what an administrator asks for, after it is certain that they are one.
    pub(super) async fn administer(
        &self,
        act: WorkspaceAct,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let rights = self.rights(act, question, profiles).await?;
        let workspace = &question.asker.workspace;
        let answer = match act {
            WorkspaceAct::Connect | WorkspaceAct::Reconnect => {
                let reconnects = act == WorkspaceAct::Reconnect;
                if !reconnects {
                    let connected = self.workspaces.list(Some(workspace)).await?;
                    if !connected.is_empty() {
                        return match rights {
                            Rights::All => Ok(overview(connected, self.can_reconnect())),
                            Rights::Consent => Err(Reason::ConnectedAlready.into()),
                        };
                    }
                }
                let prepared = self.workspaces.prepare(Ask {
                    workspace: workspace.clone(),
                    requester: requester(question),
                    reconnects,
                    given: Given::default(),
                    key: Some(key_of(question)),
                });
                let prepared = prepared.await?;
                WorkspaceAnswer::Start(WorkspaceStart {
                    workspace: prepared.request.workspace_name,
                    page: prepared.page,
                    reconnects,
                })
            }
            WorkspaceAct::Show => {
                let connected = self.workspaces.list(Some(workspace)).await?;
                if connected.is_empty() {
                    return Err(Reason::WorkspaceNotConnected.into());
                }
                return Ok(overview(connected, self.can_reconnect()));
            }
            WorkspaceAct::Check => {
                let mut checked = Vec::new();
                for connected in self.workspaces.list(Some(workspace)).await? {
                    let connection = Some(connected.connection.as_str());
                    checked.push(self.workspaces.check(Some(workspace), connection).await?);
                }
                if checked.is_empty() {
                    return Err(Reason::WorkspaceNotConnected.into());
                }
                return Ok(overview(checked, self.can_reconnect()));
            }
            WorkspaceAct::Disconnect => WorkspaceAnswer::DisconnectWanted(
                self.workspaces.check(Some(workspace), None).await?,
            ),
            WorkspaceAct::DisconnectNow { remove_links } => {
                let removal = Removal {
                    workspace: Some(workspace.clone()),
                    connection: None,
                    remove_links,
                    requester: requester(question),
                    key: Some(key_of(question)),
                };
                self.workspaces.disconnect(removal).await?;
                WorkspaceAnswer::Disconnecting
            }
        };
        Ok(Answer::Workspace(Box::new(answer)))
    }

    fn can_reconnect(&self) -> bool {
        !self.integration.platform.consents_once()
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
        let listed = self.workspaces.is_listed(&person.user);
        let candidates = self.index.find(&person.workspace).await?;
        let first = candidates.first().and_then(|it| it.access_token.clone());
        let token = self.integration.bot_token.clone().or(first);
        let profile = self.profile(question, profiles, token.as_ref()).await;
        let is_one = match profile {
            Ok(Profile { kind: Kind::Member, administrator, .. }) => {
                if by_consent && !listed && act == WorkspaceAct::Connect {
                    return Ok(Rights::Consent);
                }
                administrator || (by_consent && listed)
            }
            Ok(_) | Err(ProfilesError::Stranger) => false,
            // Nobody can be asked: there is no token yet, or it has died.
            Err(
                ProfilesError::NotAllowed(_) | ProfilesError::Expired | ProfilesError::OutOfReach,
            ) => listed,
            Err(error) => return Err(error.into()),
        };
        if is_one { Ok(Rights::All) } else { Err(Reason::NotAdministrator.into()) }
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// All of it, for their own workspace.
    All,
    /// Ask for the page on which the provider lets only administrators go on.
    Consent,
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

fn overview(connected: Vec<ConnectedWorkspace>, can_reconnect: bool) -> Answer {
    Answer::Workspace(Box::new(WorkspaceAnswer::Overview { connected, can_reconnect }))
}
