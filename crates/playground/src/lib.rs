//! The playground: one small site that uses everything `cloakroom` does, for people and for tests.
//!
//! What the site answers is in functions of a session and of what was sent: [`api`] for programs, [`page`]
//! and [`forms`] for people. They know no web framework. [`web`] puts them behind axum, [`actix`] behind actix-web, and both only
//! move bytes.

pub mod actix;
pub mod answer;
pub mod api;
pub mod cart;
pub mod delay;
pub mod devices;
pub mod expiry;
pub mod failure;
pub mod forms;
pub mod moment;
pub mod page;
pub mod start;
pub mod stop;
pub mod ticket;
pub mod web;

pub use answer::{Answer, Body};
pub use failure::Failure;
