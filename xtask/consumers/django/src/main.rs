//! A session that Django has written.

use bytes::Bytes;
use cloakroom_core::{Error, SessionFormat};
use cloakroom_django::{Secrets, Signed, Site};

fn main() -> Result<(), Error> {
    let site = Site::new(Secrets::new("django-vectors-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz!")?);
    let data = "eyJhIjoxfQ:1r31eq:gnhLrvrBALTRNO2KverxIY_yA9xesk2G2LwWlnkdhB0";
    let session = Signed::new(site).decode(&Bytes::from(data))?;
    assert_eq!(session.entries, [("a".to_owned(), Bytes::from("1"))]);
    Ok(())
}
