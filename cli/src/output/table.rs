//! Rows of text under headings.

use std::fmt;

/// A table; numbers stand right, everything else left.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<const N: usize>(headings: [&'static str; N]) -> Table {
        Table { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        // A line feed in a cell would break the row; the name that holds one is shown escaped.
        self.rows
            .push(cells.into_iter().map(|cell| cell.replace('\n', "\\n").replace('\t', "\\t")).collect());
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.headings.len();
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let heading = self.headings[column].chars().count();
                cells(column).map(|cell| cell.chars().count()).fold(heading, usize::max)
            })
            .collect();
        let right: Vec<bool> = (0..columns)
            .map(|column| cells(column).all(|cell| is_number(cell)) && cells(column).next().is_some())
            .collect();
        let write_row = |f: &mut fmt::Formatter<'_>, row: &mut dyn Iterator<Item = &str>| {
            let mut text = String::new();
            for (column, cell) in row.enumerate() {
                let padding = " ".repeat(widths[column] - cell.chars().count());
                let gap = if column == 0 { "" } else { "  " };
                let (before, after) =
                    if right[column] { (padding.as_str(), "") } else { ("", padding.as_str()) };
                text.extend([gap, before, cell, after]);
            }
            f.write_str(text.trim_end())
        };
        write_row(f, &mut self.headings.iter().copied())?;
        for row in &self.rows {
            f.write_str("\n")?;
            write_row(f, &mut row.iter().map(String::as_str))?;
        }
        Ok(())
    }
}

fn is_number(cell: &str) -> bool {
    cell == "-"
        || (cell.starts_with(|c: char| c.is_ascii_digit())
            && cell.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_words_left() {
        let mut table = Table::new(["stream", "rows"]);
        table.row(["orders".into(), "9".into()]);
        table.row(["a".into(), "1000".into()]);
        assert_eq!(table.to_string(), "stream  rows\norders     9\na       1000");
    }
}
