//! The section `app`: what people read on pages.

use url::Url;

use crate::config::{Key, Parsed, Reader, parse};
use crate::section;
use crate::text::one_line;

/// Longer, and a name is a sentence, in characters.
const LONGEST_NAME: usize = 60;

section! {
    /// What people read on pages.
    pub(crate) SECTION = "app";

    NAME: Key<String> = Key::new(
        "app.name",
        "the name by which people know this app, such as that of your product",
        name,
    )
    .or("Novu Connect");

    LOGO_URL: Key<Url> = Key::new(
        "app.logo_url",
        "the https address of an image that pages show beside the name",
        logo_url,
    );
}

/// What people read on pages.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The name of the app.
    pub(crate) name: String,
    /// The image beside it, by https.
    pub(crate) logo_url: Option<Url>,
}

impl Settings {
    /// Reads the section; `None` where a problem was noted.
    pub(crate) fn read(reader: &mut Reader) -> Option<Self> {
        let name = reader.value(&NAME);
        let logo_url = reader.optional(&LOGO_URL);
        Some(Self { name: name?, logo_url })
    }

    /// What the section says, in lines of a name and its value.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![("app", self.name.clone())]
    }
}

fn name(text: &str) -> Parsed<String> {
    let name = one_line(text);
    if name.is_empty() {
        return Err("shows nothing: write a name".into());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("is too long: write at most {LONGEST_NAME} characters").into());
    }
    Ok(name)
}

fn logo_url(text: &str) -> Parsed<Url> {
    let url = parse::secure_url(text)?;
    if url.scheme() != "https" {
        return Err("is plain http, which pages must not load: write https".into());
    }
    Ok(url)
}
