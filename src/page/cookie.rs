//! The cookie by which a browser shows that it pressed the button of a start page.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// How long a browser remembers that it has begun, in seconds: longer than a sign-in can take.
const REMEMBERS: u32 = 15 * 60;

/// The name of the cookie. The prefix lets no other site and no sub-domain set it (Cookies, RFC 6265bis);
/// browsers demand https for it, which a demonstration on this machine has not.
const fn name(loopback: bool) -> &'static str {
    if loopback { "workspace" } else { "__Host-workspace" }
}

/// What the browser remembers of having begun, if it does.
pub(super) fn sent(headers: &HeaderMap) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        texts.flat_map(|text| text.split(';')).filter_map(|it| it.trim().split_once('='));
    let ours = |it: &str| it == name(false) || it == name(true);
    pairs.find(|(name, _)| ours(name)).map(|(_, value)| value.to_owned())
}

/// Lets a browser remember that it has begun; `None` if no header can say the value.
pub(super) fn set(value: &str, loopback: bool) -> Option<HeaderValue> {
    let (name, secure) = (name(loopback), if loopback { "" } else { " Secure;" });
    let cookie =
        format!("{name}={value};{secure} HttpOnly; SameSite=Lax; Path=/; Max-Age={REMEMBERS}");
    let mut cookie = HeaderValue::try_from(cookie).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}
