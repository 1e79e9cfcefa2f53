//! What a request is answered with, before a web framework makes a response of it.

use maud::Markup;
use serde::Serialize;

use crate::Failure;

/// An answer: a status and a body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, or where to go instead.
    pub body: Body,
}

/// What an [`Answer`] holds.
#[derive(Clone, Debug)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(String),
    /// Plain text.
    Text(String),
    /// HTML.
    Page(String),
    /// The place to go to, for a browser that has sent a form.
    Elsewhere(&'static str),
}

impl Answer {
    /// Done, and nothing to say.
    pub fn done() -> Self {
        Self { status: 204, body: Body::Empty }
    }

    /// `value` as JSON.
    ///
    /// # Errors
    ///
    /// 500 if it does not serialise.
    pub fn json(value: &impl Serialize) -> Result<Self, Failure> {
        match serde_json::to_string(value) {
            Ok(json) => Ok(Self { status: 200, body: Body::Json(json) }),
            Err(_) => Err(Failure::new(500, "The answer could not be written.")),
        }
    }

    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { status: 200, body: Body::Text(text.into()) }
    }

    /// A page.
    pub fn page(status: u16, markup: Markup) -> Self {
        Self { status, body: Body::Page(markup.into_string()) }
    }

    /// See there.
    pub fn elsewhere(place: &'static str) -> Self {
        Self { status: 303, body: Body::Elsewhere(place) }
    }
}
