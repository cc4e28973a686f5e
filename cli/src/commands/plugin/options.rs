//! The options of a connector, one paragraph each.

use dstream_core::config::OptionDoc;
use std::fmt::Write;

const WIDTH: usize = 96;
const INDENT: &str = "        ";

/// Appends the options.
pub(super) fn describe(text: &mut String, options: &[OptionDoc]) {
    if options.is_empty() {
        let _ = writeln!(text, "  options    none");
        return;
    }
    let _ = writeln!(text, "  options");
    for option in options {
        let takes = if option.choices.is_empty() { option.takes.clone() } else { option.choices.join(" | ") };
        let _ = write!(text, "    {}: {takes}", option.name);
        if option.is_required {
            text.push_str(", required");
        }
        if let Some(default) = &option.default {
            let _ = write!(text, ", default {default}");
        }
        if option.is_secret {
            text.push_str(", secret");
        }
        text.push('\n');
        for line in wrap(&option.doc) {
            let _ = writeln!(text, "{INDENT}{line}");
        }
    }
}

fn wrap(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - INDENT.len() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use dstream_core::config::describe_options;
    use serde_json::json;

    #[test]
    fn an_option_shows_type_default_and_what_it_does() {
        let schema = json!({
            "properties": {
                "rows": {"type": "integer", "default": 65536},
                "folder": {"type": "string", "description": "Where the files are."},
                "infer": {"enum": ["full", "none"], "default": "full"},
                "token": {"type": "string", "writeOnly": true},
            },
            "required": ["folder"],
        });
        let mut text = String::new();
        describe(&mut text, &describe_options(&schema));
        assert_eq!(
            text,
            "  options\n    folder: text, required\n        Where the files are.\n    rows: a whole number, default \
             65536\n    infer: full | none, default \"full\"\n    token: text, secret\n"
        );
    }

    #[test]
    fn a_connector_without_options_says_so() {
        let mut text = String::new();
        describe(&mut text, &describe_options(&json!({"type": "object", "properties": {}})));
        assert_eq!(text, "  options    none\n");
    }
}
