//! The machine without the platform's types, for whoever runs all platforms.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::Answering;
use super::deliver::Deliver;
use super::responder::Responder;

/// Answers the people of one platform, for as long as the service runs.
pub trait Machine: Responder {
    /// Keeps promises whose time has come, and what is known of Novu fresh, until `stop`.
    fn run(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()>;

    /// Waits for nothing any more: whoever is not answered yet is told at once that they have to ask
    /// again. Called when the service is about to end and cannot keep its promises.
    fn conclude(&self) -> BoxFuture<'_, ()>;

    /// Waits until nobody is being answered any more. Called once no new questions come in.
    fn drain(&self) -> BoxFuture<'_, ()>;

    /// What keeps everybody from being answered, in a word; none if nothing does.
    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>>;

    /// What keeps some from being answered, or soon will, in a word; none if nothing does.
    fn warning(&self) -> Option<&'static str>;
}

impl<D: Deliver> Machine for Answering<D> {
    fn run(self: Arc<Self>, stop: CancellationToken) -> BoxFuture<'static, ()> {
        async move {
            let linking = self.linking.run(stop.clone());
            tokio::join!(linking, self.jobs.work(&self, &self.tasks, stop));
        }
        .boxed()
    }

    fn conclude(&self) -> BoxFuture<'_, ()> {
        self.concluding.cancel();
        self.jobs.hasten().boxed()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        self.tasks.close();
        self.tasks.wait().boxed()
    }

    fn trouble(&self) -> BoxFuture<'_, Option<&'static str>> {
        self.linking.trouble().boxed()
    }

    fn warning(&self) -> Option<&'static str> {
        self.linking.warning()
    }
}
