//! The https origin at which people and platforms reach the service.

use std::str::FromStr;

use url::Url;

/// The https origin at which a chat platform reaches the service.
///
/// Stricter than `server.public_url`, which may also be this machine's own address: a platform
/// cannot call that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Url);

/// An address that is no [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an https origin: write it like https://connect.example.com, without a path")]
pub struct NotAnOrigin;

impl Origin {
    /// The address of a path, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0.origin().ascii_serialization())
    }

    /// The host, without a port.
    pub(crate) fn host(&self) -> Option<&str> {
        self.0.host_str()
    }
}

impl TryFrom<Url> for Origin {
    type Error = NotAnOrigin;

    fn try_from(url: Url) -> Result<Self, NotAnOrigin> {
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        (bare && url.scheme() == "https").then_some(Self(url)).ok_or(NotAnOrigin)
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        Url::parse(text).map_err(|_| NotAnOrigin)?.try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_and_nothing_else() {
        for good in ["https://connect.example.com", "https://connect.example.com:8443/"] {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in [
            "connect.example.com",
            "http://connect.example.com",
            "http://127.0.0.1:3000",
            "https://connect.example.com/slack",
            "https://connect.example.com/?a",
            "https://connect.example.com/#a",
            "https://ada@connect.example.com",
            "https://:secret@connect.example.com",
            "",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(NotAnOrigin), "{bad}");
        }
    }

    #[test]
    fn a_path_follows_the_port() {
        let origin: Origin = "https://connect.example.com:8443/".parse().unwrap();
        assert_eq!(origin.at("/slack/commands"), "https://connect.example.com:8443/slack/commands");
        assert_eq!(origin.host(), Some("connect.example.com"));
    }
}
