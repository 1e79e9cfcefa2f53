//! A line of JSON in which a program says what it has measured.

use serde_json::{Map, Value};

/// What one contender did in one round. What a program does not say is left empty.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    fields: Map<String, Value>,
    pub(crate) table: String,
    pub(crate) engine: String,
    pub(crate) contender: String,
    pub(crate) per_second: f64,
}

impl Sample {
    /// The sample in a line; nothing in a line of something else.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
        let text = |name: &str| fields.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            table: text("table")?,
            engine: text("engine")?,
            contender: text("contender")?,
            per_second: fields.get("per_second")?.as_f64().filter(|number| *number > 0.0)?,
            fields,
        })
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.fields.get(name)?.as_f64()
    }

    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        self.fields.get(name)?.as_u64()
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Of a program whose allocator counts: its times say nothing, and its memory is a table of its own.
    pub(crate) fn counted(mut self) -> Self {
        self.table = format!("{} counted", self.table);
        self.fields.insert("table".to_owned(), self.table.clone().into());
        // Of a few sessions that says nothing either.
        self.fields.remove("bytes");
        self
    }

    /// The line again.
    pub(crate) fn line(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }
}

/// All samples among these lines.
pub(crate) fn all(lines: &str) -> Vec<Sample> {
    lines.lines().filter_map(Sample::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"table":"http read","size":null,"tasks":64,"engine":"sqlite","contender":"cloakroom","version":"0.1.0","per_second":1.5,"p50_us":1.0,"p99_us":2.0,"cpu_us":1.0,"allocations":null,"bytes":null,"durable":"a crash of the process"}"#;

    #[test]
    fn a_line_of_any_program_is_a_sample_with_what_it_says() {
        let sample = Sample::read(LINE).unwrap();
        assert_eq!(
            (sample.table.as_str(), sample.whole("size"), sample.whole("tasks")),
            ("http read", None, Some(64))
        );
        assert_eq!(sample.number("p99_us"), Some(2.0));
    }

    #[test]
    fn what_is_no_sample_is_passed_over() {
        let noise = "listening\n{\"ready\":true}\n{\"failed\":\"gone\"}\n[1]\n";
        assert_eq!(all(&[noise, LINE, "\n"].concat()).len(), 1);
    }

    #[test]
    fn nothing_done_in_a_second_is_no_measurement_to_divide_by() {
        assert!(Sample::read(&LINE.replace("\"per_second\":1.5", "\"per_second\":0.0")).is_none());
    }

    #[test]
    fn a_line_that_is_kept_reads_the_same() {
        let line = Sample::read(LINE).unwrap().line();
        assert_eq!(Sample::read(&line).unwrap().line(), line);
    }
}
