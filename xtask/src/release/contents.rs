//! What is in a package, and what is not.

use std::{fs, path::Path};

use crate::{
    error::Result,
    release::{broken, files},
};

/// What each package has, at its root.
const NEEDED: [&str; 4] = ["Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What cargo adds.
const ADDED: [&str; 3] = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml.orig"];

/// Holds an unpacked package against the repository.
///
/// # Errors
///
/// `Io` if a file can't be read.
pub(super) fn faults(package: &Path, root: &Path) -> Result<Vec<String>> {
    let title = package.file_name().unwrap_or_default().to_string_lossy();
    let mut faults = Vec::new();
    for name in NEEDED.iter().filter(|name| !package.join(name).is_file()) {
        faults.push(format!(
            "{title} has no {name}: put one beside its Cargo.toml, or a link to the workspace's"
        ));
    }
    for path in files(package)? {
        let inside = path.strip_prefix(package).unwrap_or(&path);
        let name = inside.to_string_lossy();
        if !inside.starts_with("src") && !NEEDED.contains(&&*name) && !ADDED.contains(&&*name) {
            faults.push(format!("{title} holds {name}, which is no part of it: leave it out by `include`"));
        }
        let read = |path: &Path| fs::read(path).map_err(|source| broken(path, source));
        if name.starts_with("LICENSE") && read(&path)? != read(&root.join(inside))? {
            faults.push(format!("{title} holds another {name} than the workspace"));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use std::{env, path::PathBuf, process};

    use super::*;

    /// A package and the workspace that it is from, in a folder that is gone with the test.
    struct Scene(PathBuf);

    impl Scene {
        fn new(name: &str) -> Self {
            let scene = Self(env::temp_dir().join(format!("cloakroom-contents-{}-{name}", process::id())));
            for file in NEEDED {
                scene.write(&format!("a-0.1.0/{file}"), file);
                scene.write(file, file);
            }
            scene
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.0.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn faults(&self) -> Vec<String> {
            faults(&self.0.join("a-0.1.0"), &self.0).unwrap()
        }
    }

    impl Drop for Scene {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_package_of_sources_and_papers_is_fine() {
        let scene = Scene::new("fine");
        scene.write("a-0.1.0/src/redis/save.lua", "");
        scene.write("a-0.1.0/Cargo.lock", "");
        assert!(scene.faults().is_empty());
    }

    #[test]
    fn a_stray_file_is_a_fault() {
        let scene = Scene::new("stray");
        scene.write("a-0.1.0/notes/todo.md", "");
        assert!(scene.faults()[0].contains("notes/todo.md"));
    }

    #[test]
    fn a_missing_readme_is_a_fault() {
        let scene = Scene::new("readme");
        fs::remove_file(scene.0.join("a-0.1.0/README.md")).unwrap();
        assert!(scene.faults()[0].contains("README.md"));
    }

    #[test]
    fn a_licence_of_its_own_is_a_fault() {
        let scene = Scene::new("licence");
        scene.write("a-0.1.0/LICENSE-MIT", "another");
        assert!(scene.faults()[0].contains("LICENSE-MIT"));
    }
}
