//! The headers of every response: what a browser must not do with a page of ours. And those of a press that tell
//! whether it happened on one.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use url::Url;

use super::pages::STYLE;

/// Keeps a page out of caches, frames, search results and the log of the next site.
///
/// On a loopback origin, as in a demonstration, sign-in links may be plain http, else never.
pub(super) fn protective(loopback: bool, logo: Option<&Url>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let fixed = [
        (CACHE_CONTROL, "no-store"),
        // Not `no-referrer`: browsers would send `Origin: null` with the press of our own button, as
        // if it were on another site (Fetch, append a request `Origin` header).
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::try_from(policy(loopback, logo)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers
}

/// The content security policy: nothing but our own style, the operator's logo, and our forms.
///
/// Browsers apply `form-action` to every redirect that follows the press: to the provider, from
/// there to the sign-in page of the person's own organisation, and for those who are signed in
/// already straight on to Novu. Nobody can list these hosts, so their scheme is what is prescribed.
fn policy(loopback: bool, logo: Option<&Url>) -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let origin = |logo: &Url| format!("img-src {}; ", logo.origin().ascii_serialization());
    let images = logo.map(origin).unwrap_or_default();
    let schemes = if loopback { "https: http:" } else { "https:" };
    format!(
        "default-src 'none'; {images}style-src 'sha256-{style}'; form-action 'self' {schemes}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Whether a browser says that the press happened on a page of another origin, in whichever way it
/// says so: old browsers send no `Sec-Fetch-Site` (Fetch Metadata), very old ones not even an
/// `Origin` (Fetch, append a request `Origin` header). An origin that the browser hides, `null`, is
/// another one; see the referrer policy of our own pages.
pub(super) fn is_from_elsewhere(headers: &HeaderMap, own: &Url) -> bool {
    let own = own.origin().ascii_serialization();
    let other_site = |site: &HeaderValue| site != "same-origin" && site != "none";
    headers.get_all("sec-fetch-site").iter().any(other_site)
        || headers.get_all(ORIGIN).iter().any(|origin| origin != own.as_str())
}
