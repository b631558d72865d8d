//! The machine without the platform's types, for whoever runs all platforms.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Answering;
use super::deliver::Deliver;
use super::people::People;
use super::responder::Responder;
use crate::core::workspaces::Workspaces;
use crate::supervise::Background;

/// Answers the people of one platform, for as long as the service runs.
pub trait Machine: Responder + People {
    /// What goes on in the background: promises are kept when their time has come, and what is known
    /// of Novu stays fresh.
    fn background(self: Arc<Self>) -> Vec<Background>;

    /// Waits for nothing any more: whoever is not answered yet is told at once that they have to ask
    /// again. Called when the service is about to end and cannot keep its promises.
    fn conclude(&self) -> BoxFuture<'_, ()>;

    /// Waits until nobody is being answered any more. Called once no new questions come in.
    fn drain(&self) -> BoxFuture<'_, ()>;

    /// Breaks off what is being answered. Called at the very end, when no time is left to wait for it.
    fn break_off(&self);

    /// What connects the platform's workspaces.
    fn workspaces(&self) -> Arc<Workspaces>;

    /// What keeps everybody from being answered, in a word; none if nothing does.
    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>>;

    /// What else keeps people from being answered, in words.
    fn warnings(&self) -> BoxFuture<'_, Vec<&'static str>>;
}

impl<D: Deliver> Machine for Answering<D> {
    fn background(self: Arc<Self>) -> Vec<Background> {
        let name = format!("{}_late_answers", D::PLATFORM.name);
        let late_answers = Background::new(name, &self, |answering, stop| async move {
            answering.jobs.work(&answering, &answering.tasks, stop).await;
        });
        let name = format!("{}_follow_ups", D::PLATFORM.name);
        let follow_ups = Background::new(name, &self, |answering, stop| async move {
            answering.watches.follow_ups.work(&answering, &answering.tasks, stop).await;
        });
        let name = format!("{}_watches", D::PLATFORM.name);
        let watches = Background::new(name, &self, Self::keep_watching);
        let name = format!("{}_workspaces", D::PLATFORM.name);
        let workspaces = Background::new(name, &self, Self::keep_workspaces);
        let own = [late_answers, follow_ups, watches, workspaces];
        self.linking.background().into_iter().chain(own).collect()
    }

    fn conclude(&self) -> BoxFuture<'_, ()> {
        self.concluding.cancel();
        self.jobs.hasten().boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.tasks.wait().boxed()
    }

    fn break_off(&self) {
        self.tasks.break_off();
    }

    fn workspaces(&self) -> Arc<Workspaces> {
        Arc::clone(self.linking.workspaces())
    }

    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>> {
        self.linking.trouble().boxed()
    }

    fn warnings(&self) -> BoxFuture<'_, Vec<&'static str>> {
        self.linking.warnings().boxed()
    }
}
