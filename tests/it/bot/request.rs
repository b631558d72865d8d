//! A request of Slack's, and every way to spoil it.

use bytes::Bytes;
use connect_sandbox::slack::{Signed, SlashCommand, sign};
use hyper::body::Frame;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::SECRET;

/// A request in the making. Whatever is changed before it is sealed is signed as it then stands.
#[derive(Clone)]
pub(crate) struct Request {
    content: Content,
    secret: String,
    at: Timestamp,
    timestamp: Option<String>,
    edits: Vec<(HeaderName, Edit)>,
    replaced: Option<Bytes>,
    chunked: bool,
}

#[derive(Clone)]
enum Content {
    Command(SlashCommand),
    Raw(Bytes),
}

/// What is done to a header after signing.
#[derive(Clone)]
enum Edit {
    Set(HeaderValue),
    Remove,
    Double,
}

/// A sealed request.
pub(super) struct Sealed {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the body goes out in pieces, without its length announced.
    pub(super) chunked: bool,
}

impl Sealed {
    /// The body as the HTTP client sends it.
    pub(super) fn outgoing(&self) -> reqwest::Body {
        if !self.chunked {
            return self.body.clone().into();
        }
        let pieces: Vec<_> = self.body.chunks(1000).map(Bytes::copy_from_slice).collect();
        let frames = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Frame::data(piece)));
        reqwest::Body::wrap(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
    }
}

impl Request {
    /// A slash command of this moment.
    pub(super) fn command(command: SlashCommand, at: Timestamp) -> Self {
        Self::new(Content::Command(command), at)
    }

    /// A form with exactly this body.
    pub(super) fn raw(body: impl AsRef<[u8]>, at: Timestamp) -> Self {
        Self::new(Content::Raw(Bytes::copy_from_slice(body.as_ref())), at)
    }

    fn new(content: Content, at: Timestamp) -> Self {
        Self {
            content,
            secret: SECRET.to_owned(),
            at,
            timestamp: None,
            edits: Vec::new(),
            replaced: None,
            chunked: false,
        }
    }

    fn edit(mut self, change: impl FnOnce(SlashCommand) -> SlashCommand) -> Self {
        let Content::Command(command) = self.content else { panic!("a body has no fields") };
        self.content = Content::Command(change(command));
        self
    }

    /// Sets a field of the command.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.edit(|command| command.with(name, value))
    }

    /// Leaves a field of the command out.
    pub(crate) fn without(self, name: &str) -> Self {
        self.edit(|command| command.without(name))
    }

    /// The command.
    pub(crate) fn slash_command(&self) -> &SlashCommand {
        let Content::Command(command) = &self.content else { panic!("a body is no command") };
        command
    }

    /// The fields of the command.
    pub(crate) fn fields(&self) -> &[(String, String)] {
        self.slash_command().fields()
    }

    /// The value of a field of the command.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> &str {
        let found = self.fields().iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str()).expect("a field of that name")
    }

    pub(crate) fn signed_with(mut self, secret: &str) -> Self {
        secret.clone_into(&mut self.secret);
        self
    }

    /// Signs with this text as the timestamp.
    pub(crate) fn timestamp(mut self, text: &str) -> Self {
        self.timestamp = Some(text.to_owned());
        self
    }

    /// Signs this many seconds from now.
    pub(crate) fn signed_at_offset(mut self, seconds: i64) -> Self {
        self.at += SignedDuration::from_secs(seconds);
        self
    }

    pub(crate) fn content_type(self, value: &str) -> Self {
        self.header("content-type", value)
    }

    /// Sets a header after signing.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        self.edited(name, Edit::Set(value.parse().unwrap()))
    }

    pub(crate) fn without_header(self, name: &str) -> Self {
        self.edited(name, Edit::Remove)
    }

    pub(crate) fn header_twice(self, name: &str) -> Self {
        self.edited(name, Edit::Double)
    }

    fn edited(mut self, name: &str, edit: Edit) -> Self {
        self.edits.push((name.parse().unwrap(), edit));
        self
    }

    pub(crate) fn unsigned(self) -> Self {
        self.without_header("x-slack-signature").without_header("x-slack-request-timestamp")
    }

    /// Sends another body than the one that was signed.
    pub(crate) fn body_after_signing(mut self, body: &str) -> Self {
        self.replaced = Some(Bytes::copy_from_slice(body.as_bytes()));
        self
    }

    /// Sends the body in pieces, without announcing its length.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Signs the request and spoils it.
    pub(super) fn seal(self) -> Sealed {
        let body = match self.content {
            Content::Command(command) => command.body().into(),
            Content::Raw(body) => body,
        };
        let Signed { mut headers, body } = Signed::form(&self.secret, self.at, body);
        if let Some(text) = self.timestamp {
            let signature = sign(&self.secret, &text, &body);
            headers.insert("x-slack-signature", signature.parse().unwrap());
            headers.insert("x-slack-request-timestamp", text.parse().unwrap());
        }
        for (name, edit) in self.edits {
            match edit {
                Edit::Set(value) => drop(headers.insert(name, value)),
                Edit::Remove => drop(headers.remove(name)),
                Edit::Double => {
                    let again = headers[&name].clone();
                    headers.append(name, again);
                }
            }
        }
        Sealed { headers, body: self.replaced.unwrap_or(body), chunked: self.chunked }
    }
}
