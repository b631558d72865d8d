//! Test notifications.

use serde_json::Map;

use super::Linking;
use super::facts::MintAhead;
use super::minting::read_context;
use crate::core::answer::{Answer, Tested};
use crate::core::profiles::Profiles;
use crate::core::question::Question;
use crate::core::refusal::Refusal;
use crate::novu::{Error, Novu, Trigger};

impl Linking {
    /// Runs the workflow for tests for the asker's subscriber, in the context of their link.
    pub(super) async fn test(
        &self,
        novu: &Novu,
        question: &Question,
        profiles: &dyn Profiles,
    ) -> Result<Answer, Refusal> {
        let Some(workflow) = &self.test_workflow else {
            self.learn_language(question, profiles).await;
            return Ok(Answer::Tested(Tested::NotOffered));
        };
        let facts = Box::pin(self.facts(novu, question, profiles, MintAhead::Never)).await?;
        self.note_link(&question.asker, &facts);
        let (Some(_), Some(own)) = (self.existing_link(&facts)?, facts.own()) else {
            return Ok(Answer::NotConnected);
        };
        let event = Trigger {
            workflow: workflow.clone(),
            to: facts.found.id.clone(),
            payload: Map::new(),
            // Equal to that of the connection, or Novu could not deliver.
            context: read_context(&own.context_keys)?,
            // The same for each attempt, also after a restart: Novu runs it once.
            transaction_id: Some(format!("connect-test-{}", question.reference)),
        };
        if !self.recent_tests.note_first(question.asker.clone(), ()) {
            return Ok(Answer::Tested(Tested::TooSoon));
        }
        match novu.trigger_event(&event, None).await {
            Ok(triggered) if triggered.is_processed() => Ok(Answer::Tested(Tested::Sent)),
            Ok(triggered) => {
                tracing::warn!(
                    workflow,
                    status = triggered.status,
                    advice = "look at the workflow that novu.test_workflow names",
                    "Novu took a test notification and does not run it"
                );
                Ok(Answer::Tested(Tested::NotRun))
            }
            Err(error) if error.is_unknown_workflow() => {
                self.recent_tests.forget(&question.asker);
                tracing::warn!(
                    workflow,
                    advice = "correct novu.test_workflow: Novu has no such workflow",
                    "a test notification cannot be sent"
                );
                Ok(Answer::Tested(Tested::NotRun))
            }
            // An attempt before this one, of which no more is known, was taken.
            Err(error) if error.is_known_event() => Ok(Answer::Tested(Tested::Sent)),
            // It was turned away before it began, so nothing was sent.
            Err(error @ (Error::Throttled { .. } | Error::Rejected { .. } | Error::BadKey)) => {
                self.recent_tests.forget(&question.asker);
                Err(error.into())
            }
            // It may have been sent. To be notified twice is worse than to ask again.
            Err(error) => Err(Refusal { lasting: true, ..error.into() }),
        }
    }
}
