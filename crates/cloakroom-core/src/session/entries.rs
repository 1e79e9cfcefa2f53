//! A session's entries: reading and changing them, one by one or as a struct.

use std::collections::HashSet;

use bytes::Bytes;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Session;
use super::state::State;
use crate::change::Change;
use crate::data::MOST_NAMES;
use crate::format::is_reserved;
use crate::payload::too_many_names;
use crate::{Error, ErrorKind, Result};

const TEST_COOKIE: (&str, &str) = ("testcookie", "worked");

impl Session {
    /// The value under `name`. Only this value is parsed.
    ///
    /// # Errors
    ///
    /// `Mismatch` if it is no `T`; [`remove`](Session::remove) is the way out where a type changed.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.view().data.get(name).map(|json| parse(name, &json)).transpose()
    }

    /// Stores `value` under `name`. A value equal to the one that is there is no change.
    ///
    /// JSON has no NaN and no infinity: both become null, without an error. What is nested 128 levels deep or deeper is stored, and
    /// can be read back as a [`RawValue`] alone.
    ///
    /// # Errors
    ///
    /// `Invalid` if the value does not serialise to JSON, or the name is reserved: those that begin
    /// with `_auth_user`, and `_session_expiry`, are the framework's. `TooLarge` for the 4,097th name.
    pub fn insert(&self, name: &str, value: impl Serialize) -> Result<()> {
        check(name)?;
        self.set(name, to_json(name, &value)?)
    }

    /// The value under `name`; if there is none, `default`, which is stored then.
    ///
    /// # Errors
    ///
    /// As [`get`](Session::get) and [`insert`](Session::insert).
    pub fn get_or_insert<T: DeserializeOwned + Serialize>(&self, name: &str, default: T) -> Result<T> {
        if let Some(value) = self.get(name)? {
            return Ok(value);
        }
        self.insert(name, &default)?;
        Ok(default)
    }

    /// Removes the value under `name`, and says whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        let mut state = self.state();
        state.accessed = true;
        let known = state.view.data.contains(name);
        if known {
            state.record(Change::Remove(name.to_owned()));
        }
        known
    }

    /// Removes the value under `name` and returns it.
    ///
    /// # Errors
    ///
    /// `Mismatch` if it is no `T`; it is left in place then.
    pub fn take<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let value = self.get(name)?;
        if value.is_some() {
            self.remove(name);
        }
        Ok(value)
    }

    /// Whether there is a value under `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.view().data.contains(name)
    }

    /// All names, in the order of their insertion.
    pub fn names(&self) -> Vec<String> {
        self.view().data.iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// All names and values, in the order of their insertion: a snapshot.
    pub fn iter(&self) -> impl Iterator<Item = (String, Box<RawValue>)> + use<> {
        let entries: Vec<_> = self
            .view()
            .data
            .iter()
            .filter_map(|(name, json)| Some((name.to_owned(), serde_json::from_slice(json).ok()?)))
            .collect();
        entries.into_iter()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.view().data.is_empty()
    }

    /// Removes all entries. The session lives on, under its key and for its user: see
    /// [`flush`](Session::flush) for ending it.
    pub fn clear(&self) {
        let mut state = self.state();
        state.accessed = true;
        if !state.view.data.is_empty() {
            state.record(Change::Clear);
        }
    }

    /// Whether changes wait to be committed.
    pub fn is_modified(&self) -> bool {
        let state = self.state();
        !state.doomed.is_empty() || state.waits()
    }

    /// Has the next commit store the session although nothing was changed: its age starts anew.
    pub fn mark_modified(&self) {
        self.state().record(Change::Mark);
    }

    /// Whether this request has read or changed what the session holds: its entries, its user, its end. Asking for its key, its id
    /// or its creation does not count. (Adapters send `Vary: Cookie` as soon as a session was asked for.)
    pub fn is_accessed(&self) -> bool {
        self.state().accessed
    }

    /// All entries as one struct: its fields are the names.
    ///
    /// # Errors
    ///
    /// `Mismatch` if they are no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let view = self.view();
        let mut object = vec![b'{'];
        for (name, json) in view.data.iter() {
            if object.len() > 1 {
                object.push(b',');
            }
            object.extend_from_slice(&to_json("a name", name)?);
            object.push(b':');
            object.extend_from_slice(json);
        }
        object.push(b'}');
        parse("the session", &object)
    }

    /// Stores each field of `value` under its name. Fields equal to what is there are no change, and
    /// names that are no field stay.
    ///
    /// # Errors
    ///
    /// `Invalid` if the value does not serialise to a JSON object, or a field's name is reserved, `TooLarge` for more names
    /// than a session may have; nothing is changed then.
    pub fn write(&self, value: &impl Serialize) -> Result<()> {
        let object = to_json("the session", value)?;
        let fields: Fields = serde_json::from_slice(&object).map_err(|source| {
            Error::caused(ErrorKind::Invalid, "only a struct or a map has named fields", trouble(&source))
        })?;
        fields.0.iter().try_for_each(|(name, _)| check(name))?;
        let mut state = self.state();
        state.accessed |= !fields.0.is_empty();
        let names: HashSet<&str> = fields.0.iter().map(|(name, _)| &**name).collect();
        let new = names.into_iter().filter(|name| !state.view.data.contains(name)).count();
        if state.view.data.entries.len() + new > MOST_NAMES {
            return Err(too_many_names());
        }
        for (name, json) in fields.0 {
            set(&mut state, &name, Box::<str>::from(json).into_boxed_bytes().into());
        }
        Ok(())
    }

    /// Leaves a value behind that [`test_cookie_worked`](Session::test_cookie_worked) finds with the
    /// visitor's next request, if the browser takes cookies.
    ///
    /// # Errors
    ///
    /// As [`insert`](Session::insert).
    pub fn set_test_cookie(&self) -> Result<()> {
        self.insert(TEST_COOKIE.0, TEST_COOKIE.1)
    }

    /// Whether the browser has brought the test cookie back.
    pub fn test_cookie_worked(&self) -> bool {
        self.get::<String>(TEST_COOKIE.0).is_ok_and(|value| value.as_deref() == Some(TEST_COOKIE.1))
    }

    /// Removes the test cookie's value.
    pub fn delete_test_cookie(&self) {
        self.remove(TEST_COOKIE.0);
    }

    fn set(&self, name: &str, json: Bytes) -> Result<()> {
        let mut state = self.state();
        state.accessed = true;
        if !state.view.data.contains(name) && state.view.data.entries.len() >= MOST_NAMES {
            return Err(too_many_names());
        }
        set(&mut state, name, json);
        Ok(())
    }
}

/// An equal value is no change.
fn set(state: &mut State, name: &str, json: Bytes) {
    if state.view.data.get(name).as_ref() != Some(&json) {
        state.record(Change::Set(name.to_owned(), json));
    }
}

/// # Errors
///
/// `Invalid` for the names that are the framework's own.
pub(super) fn check(name: &str) -> Result<()> {
    if is_reserved(name.as_bytes()) {
        let message = "names that begin with _auth_user, and _session_expiry, are reserved";
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    Ok(())
}

pub(super) fn parse<T: DeserializeOwned>(name: &str, json: &[u8]) -> Result<T> {
    serde_json::from_slice(json).map_err(|source| {
        Error::caused(ErrorKind::Mismatch, format!("{name:?} is not of the type asked for"), trouble(&source))
    })
}

pub(super) fn to_json(name: &str, value: &(impl Serialize + ?Sized)) -> Result<Bytes> {
    let json = serde_json::to_vec(value).map_err(|source| {
        Error::caused(ErrorKind::Invalid, format!("{name:?} does not serialise to JSON"), trouble(&source))
    })?;
    Ok(json.into())
}

/// What serde says of a value may quote it: only where and what kind of trouble stays.
fn trouble(error: &serde_json::Error) -> String {
    format!("{:?} error at line {}, column {}", error.classify(), error.line(), error.column())
}

/// A JSON object's fields in the order they are written in.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Fields, A::Error> {
                let mut read = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    read.push(field);
                }
                Ok(Fields(read))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
