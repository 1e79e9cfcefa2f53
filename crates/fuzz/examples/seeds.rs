//! Writes into the corpus what the library writes today: `cargo run -p cloakroom-fuzz --example seeds`.

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    for (target, name, bytes) in cloakroom_fuzz::seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("seed-{name}")), bytes)?;
    }
    Ok(())
}
