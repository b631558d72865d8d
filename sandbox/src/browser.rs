//! The person with a browser: opens links, presses buttons, follows redirects. Loopback only.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::http::header;
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use crate::{lock, transport};

/// The most redirects that are followed after one click.
const REDIRECT_LIMIT: usize = 10;
/// The largest page, in bytes.
const PAGE_LIMIT: usize = 1024 * 1024;

/// A browser without scripts, for tests and for the demo. Its clones share its cookies.
#[derive(Debug, Clone)]
pub struct Browser {
    client: reqwest::Client,
    /// The values of the cookies by their names, for each host: like any browser's, whatever the port
    /// (Cookies, RFC 6265, section 8.5).
    cookies: Arc<Mutex<HashMap<String, BTreeMap<String, String>>>>,
}

/// What the browser shows in the end.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status of the last answer. A redirect only where it would leave this machine.
    pub status: StatusCode,
    /// The address of the last answer.
    pub url: Url,
    /// Where the last answer would have led, had it not left this machine.
    pub leads_to: Option<Url>,
    /// The body of the last answer.
    pub body: String,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The HTTP client could not be set up, or the server did not answer properly.
    #[error("the page could not be loaded")]
    Transport(#[from] reqwest::Error),
    /// The page is too large or broke off.
    #[error("the page could not be read")]
    Read(#[from] transport::ReadError),
    /// An address that is none.
    #[error("the address is not a URL")]
    Address(#[from] url::ParseError),
    /// A link leads away from this machine.
    #[error("the address is not on this machine")]
    LeavesMachine,
    /// Too many redirects.
    #[error("the page redirects more than {REDIRECT_LIMIT} times")]
    Redirects,
    /// The page has no such button.
    #[error("the page has no button {0:?}")]
    NoButton(String),
}

impl Browser {
    /// A fresh browser.
    ///
    /// # Errors
    /// The HTTP client could not be set up.
    pub fn new() -> Result<Self, BrowserError> {
        Ok(Self { client: transport::client()?, cookies: Arc::default() })
    }

    /// Opens a link.
    ///
    /// # Errors
    /// The link is not on this machine, or loading fails.
    pub async fn open(&self, link: &str) -> Result<Page, BrowserError> {
        let url = local(Url::parse(link)?)?;
        let response = self.send(self.client.get(url.clone()), &url).await?;
        self.follow(response).await
    }

    /// Presses the first button that says `label`, or whose value is `label`, and sends its form.
    ///
    /// # Errors
    /// There is no such button, the form leads off this machine, or loading fails.
    pub async fn press(&self, page: &Page, label: &str) -> Result<Page, BrowserError> {
        self.fill_and_press(page, &[], label).await
    }

    /// As [`Browser::press`], with these texts in the form's fields of those names.
    ///
    /// # Errors
    /// As [`Browser::press`]; fields that the form does not have stay empty.
    pub async fn fill_and_press(
        &self,
        page: &Page,
        texts: &[(&str, &str)],
        label: &str,
    ) -> Result<Page, BrowserError> {
        let mut form = forms(&page.body)
            .into_iter()
            .find_map(|form| form.pressed(label))
            .ok_or_else(|| BrowserError::NoButton(label.to_owned()))?;
        for (name, text) in texts {
            for (_, value) in form.fields.iter_mut().filter(|(field, _)| field == name) {
                (*text).clone_into(value);
            }
        }
        let url = local(page.url.join(&form.action)?)?;
        let request = if form.post {
            self.client.post(url.clone()).form(&form.fields)
        } else {
            self.client.get(url.clone()).query(&form.fields)
        };
        let request = request.header(header::ORIGIN, page.url.origin().ascii_serialization());
        self.follow(self.send(request, &url).await?).await
    }

    /// Opens a sign-in link and allows as the person with this id.
    ///
    /// # Errors
    /// As [`Browser::open`] and [`Browser::press`].
    pub async fn approve(&self, link: &str, user_id: &str) -> Result<Page, BrowserError> {
        let page = self.open(link).await?;
        self.press(&page, user_id).await
    }

    /// Opens a sign-in link and denies.
    ///
    /// # Errors
    /// As [`Browser::open`] and [`Browser::press`].
    pub async fn deny(&self, link: &str) -> Result<Page, BrowserError> {
        let page = self.open(link).await?;
        self.press(&page, "deny").await
    }

    async fn follow(&self, mut response: Response) -> Result<Page, BrowserError> {
        for _ in 0..REDIRECT_LIMIT {
            let Some(next) = target(&response)? else {
                return read(response, None).await;
            };
            if !transport::is_loopback(&next) {
                return read(response, Some(next)).await;
            }
            response = self.send(self.client.get(next.clone()), &next).await?;
        }
        Err(BrowserError::Redirects)
    }

    /// Sends a request with the cookies of the host, and keeps those that come with the answer.
    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, BrowserError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let kept = lock(&self.cookies).get(&host).map(|cookies| {
            let pairs = cookies.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("; ")
        });
        let request = match kept.filter(|kept| !kept.is_empty()) {
            Some(kept) => request.header(header::COOKIE, kept),
            None => request,
        };
        let response = request.send().await?;
        let set = response.headers().get_all(header::SET_COOKIE).iter();
        for cookie in set.filter_map(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let Some((name, value)) = pair else { continue };
            let mut cookies = lock(&self.cookies);
            cookies.entry(host.clone()).or_default().insert(name.to_owned(), value.to_owned());
        }
        Ok(response)
    }
}

fn local(url: Url) -> Result<Url, BrowserError> {
    if transport::is_loopback(&url) { Ok(url) } else { Err(BrowserError::LeavesMachine) }
}

fn target(response: &Response) -> Result<Option<Url>, BrowserError> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    Ok(location.map(|location| response.url().join(location)).transpose()?)
}

async fn read(response: Response, leads_to: Option<Url>) -> Result<Page, BrowserError> {
    let (status, url) = (response.status(), response.url().clone());
    let body = transport::read_limited(response, PAGE_LIMIT).await?;
    Ok(Page { status, url, leads_to, body: String::from_utf8_lossy(&body).into_owned() })
}

#[derive(Debug, Default)]
struct Form {
    action: String,
    post: bool,
    fields: Vec<(String, String)>,
    buttons: Vec<Button>,
}

#[derive(Debug)]
struct Button {
    label: String,
    name: String,
    value: String,
}

impl Form {
    /// The form as it is sent when that button is pressed.
    fn pressed(mut self, label: &str) -> Option<Self> {
        let button = self.buttons.iter().find(|button| {
            button.label == label || (!button.value.is_empty() && button.value == label)
        })?;
        if !button.name.is_empty() {
            self.fields.push((button.name.clone(), button.value.clone()));
        }
        Some(self)
    }
}

/// The forms of a page, as far as our own pages use HTML: quoted attributes, no nesting.
fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut rest = html;
    while let Some((tag, after)) = next_tag(rest) {
        rest = after;
        if let Some(mut attributes) = attributes(tag, "form") {
            forms.push(Form {
                action: attributes.remove("action").unwrap_or_default(),
                post: attributes.get("method").is_some_and(|it| it.eq_ignore_ascii_case("post")),
                ..Form::default()
            });
        }
        let Some(form) = forms.last_mut() else { continue };
        if let Some(mut attributes) = attributes(tag, "input")
            && let Some(name) = attributes.remove("name")
        {
            form.fields.push((name, attributes.remove("value").unwrap_or_default()));
        }
        if let Some(mut attributes) = attributes(tag, "textarea")
            && let Some(name) = attributes.remove("name")
        {
            form.fields.push((name, unescape(text_before(after, "</textarea>"))));
        }
        if let Some(mut attributes) = attributes(tag, "button") {
            form.buttons.push(Button {
                label: unescape(text_before(after, "</button>")),
                name: attributes.remove("name").unwrap_or_default(),
                value: attributes.remove("value").unwrap_or_default(),
            });
        }
    }
    forms
}

/// The next tag without its angle brackets, and what comes after it.
fn next_tag(html: &str) -> Option<(&str, &str)> {
    let (_, after) = html.split_once('<')?;
    after.split_once('>')
}

/// The text up to `end`, without tags and without spaces at its ends.
fn text_before<'a>(html: &'a str, end: &str) -> &'a str {
    html.split_once(end).map_or("", |(text, _)| text).trim()
}

/// The attributes of a tag if it is an opening tag of that name.
fn attributes(tag: &str, name: &str) -> Option<HashMap<String, String>> {
    let mut rest = tag.strip_prefix(name)?;
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let mut found = HashMap::new();
    while let Some((head, tail)) = rest.split_once("=\"") {
        let (value, after) = tail.split_once('"')?;
        let name = head.split_whitespace().last().unwrap_or_default();
        found.insert(name.to_owned(), unescape(value));
        rest = after;
    }
    Some(found)
}

/// Resolves the character references that HTML escaping produces.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let resolved =
            after.split_once(';').and_then(|(name, tail)| Some((reference(name)?, tail)));
        let (character, tail) = resolved.unwrap_or(('&', after));
        plain.push(character);
        rest = tail;
    }
    plain.push_str(rest);
    plain
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_with_their_buttons() {
        let page = r#"<p>Hi</p><form method="post" action="/go?a=1&amp;b=2">
            <input type="hidden" name="state" value="&#34;x&#34; &amp; y">
            <textarea name="note" rows="2">a &#60; b</textarea>
            <button name="user" value="U1"> Allow as Ada &#38; Co </button></form>
            <form method="get" action="/no"><button name="answer" value="deny">Deny</button></form>"#;
        let form = forms(page).into_iter().find_map(|form| form.pressed("Allow as Ada & Co"));
        let form = form.unwrap();
        assert!(form.post);
        assert_eq!(form.action, "/go?a=1&b=2");
        let expected = [("state", "\"x\" & y"), ("note", "a < b"), ("user", "U1")];
        assert_eq!(form.fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let deny = forms(page).into_iter().find_map(|form| form.pressed("deny")).unwrap();
        assert!(!deny.post);
        assert_eq!(deny.action, "/no");
    }

    #[tokio::test]
    async fn links_off_this_machine_are_not_opened() {
        let browser = Browser::new().unwrap();
        let error = browser.open("https://slack.com/oauth/v2/authorize").await.unwrap_err();
        assert!(matches!(error, BrowserError::LeavesMachine));
    }
}
