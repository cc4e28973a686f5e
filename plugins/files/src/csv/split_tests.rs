//! Against another reader of the same format.

use serde_json::json;

use crate::testing::{Folder, Random, Row, read};

#[test]
fn random_files_read_as_the_csv_crate_reads_them() {
    let mut random = Random::new();
    for _ in 0..400 {
        let columns = 2 + random.below(4);
        let end = random.one_of(&["\n", "\r\n", "\r"]);
        let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
        let mut content = names.join(",") + end;
        for _ in 0..random.below(30) {
            for column in 0..columns {
                content.push_str(if column > 0 { "," } else { "" });
                let text: String = (0..random.below(6))
                    .map(|_| {
                        random.one_of(&[
                            "a",
                            "\u{e4}",
                            "\"\"",
                            ",",
                            "\n",
                            "\r\n",
                            " ",
                            "1",
                            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                        ])
                    })
                    .collect();
                let needs_quotes = text.contains(['"', ',', '\n', '\r']) || random.below(3) == 0;
                let quote = if needs_quotes { "\"" } else { "" };
                content.push_str(&format!("{quote}{text}{quote}"));
            }
            content.push_str(end);
            content.push_str(if random.below(8) == 0 { end } else { "" });
        }
        if random.below(2) == 0 {
            content.truncate(content.trim_end_matches(['\n', '\r']).len());
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(true).from_reader(content.as_bytes());
        let theirs: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        let options = json!({"infer": "none", "null_values": []});
        let ours = read(&Folder::with("a.csv", &content).csv("a.csv", options), None).unwrap().rows();
        let theirs: Vec<Row> = theirs.into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
        assert_eq!(ours, theirs, "{content:?}");
    }
}
