//! Subscribers: the people that Novu can notify (API v2).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::client::{Call, Novu};
use super::decode::{self, lenient};
use super::error::{Error, absent_is_none};
use super::page::Page;

const ROUTE: &str = "/v2/subscribers";
/// How many subscribers a search asks for unless told otherwise; Novu's own default is 10.
const SEARCH_LIMIT: u16 = 50;

/// Identifies a subscriber: the operator's own id of a person. Never empty, no blanks around it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SubscriberId(String);

/// A subscriber id without a visible character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber id is empty")]
pub struct EmptySubscriberId;

impl SubscriberId {
    /// Trims the text as Novu would: Novu stores the trimmed id but puts the untrimmed one into
    /// sign-in links, which then fail.
    ///
    /// # Errors
    /// Nothing is left.
    pub fn new(id: impl Into<String>) -> Result<Self, EmptySubscriberId> {
        let id = id.into();
        let trimmed = id.trim_matches(is_blank);
        if trimmed.is_empty() {
            Err(EmptySubscriberId)
        } else if trimmed.len() == id.len() {
            Ok(Self(id))
        } else {
            Ok(Self(trimmed.to_owned()))
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SubscriberId {
    /// The id as it may stand in a log: nothing of one that looks like an e-mail address, which some
    /// operators use.
    #[must_use]
    pub fn for_log(&self) -> &str {
        if self.0.contains('@') { "…" } else { &self.0 }
    }
}

/// What JavaScript trims: white space and the byte order mark.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Hides ids that look like e-mail addresses, which some operators use.
impl fmt::Debug for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SubscriberId").field(&self.for_log()).finish()
    }
}

impl TryFrom<String> for SubscriberId {
    type Error = EmptySubscriberId;

    fn try_from(id: String) -> Result<Self, EmptySubscriberId> {
        Self::new(id)
    }
}

/// A subscriber as Novu stores it, as far as this service cares.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscriber {
    /// The operator's id of the person.
    pub subscriber_id: SubscriberId,
    /// Given name.
    #[serde(default, deserialize_with = "lenient")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(default, deserialize_with = "lenient")]
    pub last_name: Option<String>,
    /// E-mail address. Not unique, and never verified by Novu.
    #[serde(default, deserialize_with = "lenient")]
    pub email: Option<String>,
    /// Language tag, such as `de_DE`.
    #[serde(default, deserialize_with = "lenient")]
    pub locale: Option<String>,
}

impl Subscriber {
    /// Given and family name, as far as they are known.
    #[must_use]
    pub fn display_name(&self) -> Option<String> {
        let mut name = String::new();
        for part in [&self.first_name, &self.last_name].into_iter().flatten() {
            let part = part.trim();
            if !name.is_empty() && !part.is_empty() {
                name.push(' ');
            }
            name.push_str(part);
        }
        (!name.is_empty()).then_some(name)
    }
}

/// Prints the id only.
impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("subscriber_id", &self.subscriber_id)
            .finish_non_exhaustive()
    }
}

/// A search by e-mail address.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscriberSearch {
    /// The address. Novu finds every subscriber whose address *contains* this text, in any case, so
    /// the caller has to compare the results.
    pub email: String,
    /// How many subscribers to get; none asks for 50.
    pub limit: Option<u16>,
    /// Where the page starts: [`Page::next`] of the one before.
    pub after: Option<String>,
}

impl SubscriberSearch {
    /// Searches for an e-mail address, from the start.
    #[must_use]
    pub fn by_email(email: impl Into<String>) -> Self {
        Self { email: email.into(), limit: None, after: None }
    }
}

/// Prints no address.
impl fmt::Debug for SubscriberSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberSearch")
            .field("limit", &self.limit)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// A subscriber to be created. Blank fields are left out, for Novu refuses some of them.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSubscriber {
    /// The operator's id of the person.
    pub subscriber_id: SubscriberId,
    /// Given name.
    #[serde(skip_serializing_if = "is_missing")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "is_missing")]
    pub last_name: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "is_missing")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(skip_serializing_if = "is_missing")]
    pub phone: Option<String>,
    /// Language tag.
    #[serde(skip_serializing_if = "is_missing")]
    pub locale: Option<String>,
    /// IANA time zone.
    #[serde(skip_serializing_if = "is_missing")]
    pub timezone: Option<String>,
}

impl NewSubscriber {
    /// A subscriber of whom only the id is known.
    #[must_use]
    pub fn new(subscriber_id: SubscriberId) -> Self {
        Self {
            subscriber_id,
            first_name: None,
            last_name: None,
            email: None,
            phone: None,
            locale: None,
            timezone: None,
        }
    }
}

/// Prints the id only.
impl fmt::Debug for NewSubscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSubscriber")
            .field("subscriber_id", &self.subscriber_id)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn is_missing(field: &Option<String>) -> bool {
    field.as_deref().is_none_or(|text| text.trim().is_empty())
}

/// How an attempt to create a subscriber ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// It is new.
    Created(Subscriber),
    /// It was there before, and is unchanged.
    AlreadyExists,
}

impl Novu {
    /// The subscriber with exactly this id, if there is one.
    pub async fn get_subscriber(&self, id: &SubscriberId) -> Result<Option<Subscriber>, Error> {
        let call = Call::get("get_subscriber", self.item(ROUTE, id.as_str())?);
        absent_is_none(self.send(call, decode::object).await)
    }

    /// Subscribers whose e-mail address contains the given one.
    pub async fn search_subscribers(
        &self,
        search: &SubscriberSearch,
    ) -> Result<Page<Subscriber>, Error> {
        if search.email.trim().is_empty() {
            return Err(Error::Unsendable("a search for nothing would find everybody"));
        }
        let mut url = self.route(ROUTE);
        let limit = search.limit.unwrap_or(SEARCH_LIMIT);
        url.query_pairs_mut()
            .append_pair("email", &search.email)
            .append_pair("limit", &limit.to_string())
            .extend_pairs(search.after.iter().map(|cursor| ("after", cursor)));
        self.send(Call::list("search_subscribers", url), decode::list).await
    }

    /// Creates a subscriber unless it exists. Never touches an existing one: without
    /// `failIfExists` Novu would overwrite its custom data with nothing.
    pub async fn create_subscriber(&self, new: &NewSubscriber) -> Result<Creation, Error> {
        let mut url = self.route(ROUTE);
        url.set_query(Some("failIfExists=true"));
        let call = Call::post("create_subscriber", url, new)?;
        match self.send(call, decode::object).await {
            Ok(subscriber) => Ok(Creation::Created(subscriber)),
            Err(Error::Rejected { status: 409, .. }) => Ok(Creation::AlreadyExists),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn decode(value: &Value) -> Result<Subscriber, Error> {
        decode::object(json!({"data": value}).to_string().as_bytes())
    }

    #[test]
    fn ids_are_trimmed_and_never_empty() {
        assert_eq!(SubscriberId::new(" ada\n").unwrap().as_str(), "ada");
        assert_eq!(SubscriberId::new("a b").unwrap().to_string(), "a b");
        for blank in ["", "  ", "\u{feff}", "\u{a0}\t"] {
            assert_eq!(SubscriberId::new(blank), Err(EmptySubscriberId));
        }
        assert!(serde_json::from_str::<SubscriberId>(r#"" ""#).is_err());
    }

    #[test]
    fn missing_and_odd_fields_are_tolerated() {
        let ada = decode(&json!({
            "_id": "65f0", "subscriberId": "ada", "firstName": null, "lastName": 7,
            "locale": "en_GB", "data": {"x": 1}, "isOnline": null, "channels": [],
        }))
        .unwrap();
        assert_eq!((&ada.first_name, &ada.last_name, &ada.email), (&None, &None, &None));
        assert_eq!(ada.locale.as_deref(), Some("en_GB"));
        assert!(decode(&json!({"email": "ada@example.com"})).is_err());
    }

    #[test]
    fn a_display_name_is_what_is_known_of_it() {
        let cases = [
            (Some("Ada"), Some("Lovelace"), Some("Ada Lovelace")),
            (Some(" Ada "), None, Some("Ada")),
            (Some(" "), Some("Hopper"), Some("Hopper")),
            (Some("Grace"), Some(""), Some("Grace")),
            (Some(""), None, None),
            (None, None, None),
        ];
        for (first, last, expected) in cases {
            let subscriber = Subscriber {
                subscriber_id: SubscriberId::new("x").unwrap(),
                first_name: first.map(str::to_owned),
                last_name: last.map(str::to_owned),
                email: None,
                locale: None,
            };
            assert_eq!(subscriber.display_name().as_deref(), expected);
        }
    }

    #[test]
    fn addresses_never_print() {
        let id = SubscriberId::new("ada@example.com").unwrap();
        let mut new = NewSubscriber::new(id.clone());
        new.email = Some("ada@example.com".to_owned());
        new.phone = Some("+4412345".to_owned());
        let found = decode(&json!({"subscriberId": id, "email": "ada@example.com"})).unwrap();
        let search = SubscriberSearch::by_email("ada@example.com");
        let printed = format!("{id:?} {new:?} {found:?} {search:?}");
        assert!(!printed.contains("example") && !printed.contains("4412345"), "{printed}");
    }

    #[test]
    fn blank_fields_are_not_sent() {
        let mut new = NewSubscriber::new(SubscriberId::new("ada").unwrap());
        new.email = Some("  ".to_owned());
        new.first_name = Some("Ada".to_owned());
        assert_eq!(
            serde_json::to_value(&new).unwrap(),
            json!({"subscriberId": "ada", "firstName": "Ada"})
        );
    }
}
