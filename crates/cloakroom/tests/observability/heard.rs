//! A subscriber that writes down what it is told.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// A span or an event.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) level: Level,
    /// The name of the span that it is in.
    pub(crate) within: Option<&'static str>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    id: Option<Id>,
}

/// All of them, in the order that they came.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Told>>>);

/// Listens to this thread until the guard is dropped.
pub(crate) fn listen() -> (Heard, DefaultGuard) {
    let heard = Heard::default();
    let guard = tracing::subscriber::set_default(Registry::default().with(heard.clone()));
    (heard, guard)
}

impl Heard {
    /// Those of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<Told> {
        self.0.lock().unwrap().iter().filter(|told| told.name == name).cloned().collect()
    }

    /// The only one of this name.
    pub(crate) fn one(&self, name: &str) -> Told {
        let mut all = self.named(name);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    fn note(
        &self,
        metadata: &Metadata<'static>,
        within: Option<&'static str>,
        id: Option<Id>,
        fields: Fields,
    ) {
        let told = Told {
            name: metadata.name(),
            target: metadata.target(),
            level: *metadata.level(),
            within,
            fields: fields.0,
            id,
        };
        self.0.lock().unwrap().push(told);
    }
}

impl Told {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Heard {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let within = context.span(id).and_then(|span| Some(span.parent()?.name()));
        self.note(span.metadata(), within, Some(id.clone()), fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let mut all = self.0.lock().unwrap();
        // The newest: ids of spans that are over are used again.
        if let Some(span) = all.iter_mut().rev().find(|told| told.id.as_ref() == Some(id)) {
            span.fields.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let within = context.event_span(event).map(|span| span.name());
        self.note(event.metadata(), within, None, fields);
    }
}
