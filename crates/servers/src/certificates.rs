//! A certificate for this machine, by an authority that nobody else knows.

use crate::{Result, folder::Folder, process::Process, programs};

/// The key's kind, and how long both certificates are good for.
const COMMON: [&str; 11] = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-config",
    "openssl.cnf",
];
/// Without the system's own settings, which may add what they like.
const CONFIG: &str = "[req]\ndistinguished_name = name\n[name]\n";

/// Issues a certificate for 127.0.0.1 and localhost, with paths to PEM files: the authority, the certificate, its key.
pub(crate) fn issue(folder: &Folder) -> Result<[String; 3]> {
    let openssl = programs::find("openssl")?;
    folder.write("openssl.cnf", CONFIG)?;
    let request = |arguments: &[&str]| Process::run(folder, &openssl, &[&COMMON, arguments].concat());
    request(&[
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=cloakroom test authority",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=critical,keyCertSign",
    ])?;
    request(&[
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-keyout",
        "server.key",
        "-out",
        "server.pem",
        "-subj",
        "/CN=localhost",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "subjectAltName=IP:127.0.0.1,DNS:localhost",
        "-addext",
        "extendedKeyUsage=serverAuth",
    ])?;
    Ok(["ca.pem", "server.pem", "server.key"].map(|name| folder.join(name).display().to_string()))
}
