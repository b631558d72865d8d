//! The landing page: where Novu leads the browser after a sign-in.
//!
//! Novu adds nothing to its address, so the page knows neither who comes nor what came of it. It says so,
//! and leads back to the chat.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::language::preferred;
use super::pages::Pages;
use super::{LinkPages, UNKNOWN_PLATFORM, cookie};

/// Says that the result is in the chat, and lets it be looked for at once.
pub(super) async fn land(
    State(pages): State<Arc<LinkPages>>,
    platform: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let page = Pages { app: &pages.app, language: preferred(&headers) };
    let chat = platform.ok().and_then(|Path(platform)| pages.chat(&platform));
    let Some(chat) = chat else {
        pages.refused.note(UNKNOWN_PLATFORM);
        return page.unknown_address();
    };
    chat.responder.look();
    // Whoever comes from connecting a workspace has something to show for it.
    if let (Some(workspaces), Some(cookie)) = (&chat.workspaces, cookie::sent(&headers)) {
        workspaces.came_back(&cookie).await;
    }
    page.landed(chat)
}
