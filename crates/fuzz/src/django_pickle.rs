//! What lies in a cache that Django shares, and others can write to.

use cloakroom_django::{Pickled, Serializer};

use crate::django::{read, site};

/// A value: a pickle, JSON, or one of them packed; written again in each form.
pub fn django_pickle(data: &[u8]) -> bool {
    let pickled = Pickled::new(site());
    let forms = [
        pickled.clone(),
        pickled.clone().serializer(Serializer::Pickle4).zlib(true),
        pickled.serializer(Serializer::Json),
    ];
    let [is_one, others @ ..] = forms.map(|format| read(&format, data));
    assert!(others.iter().all(|other| *other == is_one), "all forms are read by all");
    is_one
}
