//! What the numbers were measured on.

use std::{fs, process::Command};

use serde_json::{Value, json};

/// Its processors, its kernel, and how busy it was before anything was measured.
pub(crate) fn lines() -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = model(&read("/proc/cpuinfo")).unwrap_or("a processor of unknown make").to_owned();
    let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    let rust = Command::new("rustc").arg("--version").output();
    let rust =
        rust.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    vec![format!(
        "{cores} cores of {model}, Linux {kernel}, {rust}; load average before the first round: {load}"
    )]
}

/// One of these lines, to be kept with the samples.
pub(crate) fn kept(line: &str) -> String {
    json!({ "machine": line }).to_string()
}

/// What a line has kept; nothing for a line of something else.
pub(crate) fn read(line: &str) -> Option<String> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    fields.get("machine")?.as_str().map(str::to_owned)
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        assert_eq!(read(&kept("2 cores")), Some("2 cores".to_owned()));
        assert_eq!(read(r#"{"table":"load"}"#), None);
    }

    #[test]
    fn a_processor_is_called_by_its_model() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nmodel name\t: other\n";
        assert_eq!(model(cpuinfo), Some("AMD EPYC"));
    }
}
