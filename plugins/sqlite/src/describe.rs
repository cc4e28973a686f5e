//! What a stream consists of: its columns with their Arrow types, and where its rows come from.

use arrow::datatypes::{DataType, Field, Schema};
use dstream_sdk::{Error, ReplicationMethod, Result, StreamInfo, tracing};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::build::TextForm;
use crate::client::{Client, Listed, TableColumn};
use crate::declared::{self, ReadAs};
use crate::following::{self, Order};
use crate::quote::quote_ident;
use crate::slips;
use crate::tap_options::TapSettings;
use crate::types::{Storage, storage};

/// How many rows are looked at for the type of a column that has none.
const SAMPLE_ROWS: usize = 1_000;
const EXTENSION: &str = "ARROW:extension:name";
const JSON: &str = "arrow.json";

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: String,
    /// What stands after FROM.
    pub(crate) from: String,
    /// A table, whose columns are asked for by name; of a view or a query all come, so that it is always computed in the
    /// same way.
    pub(crate) is_table: bool,
    pub(crate) columns: Vec<StreamColumn>,
    /// SQLite's number of a row, by a name that no column has.
    pub(crate) rowid: Option<String>,
    /// Where the columns of the primary key stand, in its order.
    pub(crate) keys: Vec<usize>,
    pub(crate) filter: Option<String>,
    pub(crate) row_count: Option<u64>,
}

/// One column of a stream.
#[derive(Debug)]
pub(crate) struct StreamColumn {
    pub(crate) field: Field,
    pub(crate) form: TextForm,
    /// How it can be followed.
    pub(crate) order: Option<Order>,
    /// Nothing says what it holds: the type is that of its first values.
    pub(crate) is_guessed: bool,
}

/// Every stream of the file. One that cannot be read is left out, with a warning.
///
/// # Errors
/// `Config`: the options name what there is not. `Data`: the file is damaged.
pub(crate) fn streams(client: &Client, settings: &TapSettings) -> Result<Vec<Stream>> {
    let listed = client.tables()?;
    slips::check_streams(settings, &listed)?;
    let mut streams = Vec::new();
    for table in listed.iter().filter(|table| settings.tables.has(&table.name)) {
        match of_table(client, settings, table, true) {
            Ok(stream) => streams.push(stream),
            Err(error) if error.kind() == dstream_sdk::ErrorKind::Schema => {
                tracing::warn!(stream = table.name, "left out: {error}");
            }
            Err(error) => return Err(error.stream(&table.name)),
        }
    }
    for (name, sql) in &settings.queries {
        streams.push(of_query(client, settings, name, sql, true).map_err(|error| error.stream(name))?);
    }
    slips::check_types(settings, &streams)?;
    Ok(streams)
}

/// One stream, without looking at any row.
///
/// # Errors
/// `Schema`: it is not there, or cannot be read any more.
pub(crate) fn find_stream(client: &Client, settings: &TapSettings, name: &str) -> Result<Stream> {
    if let Some(sql) = settings.queries.get(name) {
        return of_query(client, settings, name, sql, false);
    }
    let listed = client.tables()?;
    let table = listed.iter().find(|table| table.name == name && settings.tables.has(name));
    let table = table.ok_or_else(|| {
        Error::schema(format!("there is no table `{name}` in the file")).hint("run `dstreams discover` again")
    })?;
    of_table(client, settings, table, false)
}

fn of_table(client: &Client, settings: &TapSettings, table: &Listed, is_discovery: bool) -> Result<Stream> {
    let found = client.table_columns(&table.name)?;
    let mut stream = Stream {
        name: table.name.clone(),
        from: format!("main.{}", quote_ident(&table.name)?),
        is_table: table.is_table,
        rowid: rowid(table, &found)?,
        keys: Vec::new(),
        filter: settings.filters.get(&table.name).cloned(),
        row_count: None,
        columns: Vec::with_capacity(found.len()),
    };
    let mut keys: Vec<usize> = (0..found.len()).filter(|at| found[*at].key > 0).collect();
    keys.sort_by_key(|at| found[*at].key);
    let is_rowid_key =
        |at: usize| table.has_rowid && keys == [at] && found[at].declared.eq_ignore_ascii_case("INTEGER");
    for (at, column) in found.iter().enumerate() {
        let is_key = column.key > 0;
        // Only SQLite's first kind of tables takes NULL into a primary key.
        let has_nulls = !(column.is_not_null
            || is_rowid_key(at)
            || (is_key && table.is_table && (table.strict || !table.has_rowid)));
        stream.columns.push(stream_column(settings, &table.name, column, table.strict, has_nulls));
    }
    stream.keys = keys;
    if is_discovery {
        stream.guess(client)?;
        if table.is_table && stream.filter.is_none() {
            stream.row_count = client.estimate(table, stream.rowid.as_deref())?;
        }
    }
    Ok(stream)
}

fn of_query(
    client: &Client,
    settings: &TapSettings,
    name: &str,
    sql: &str,
    is_discovery: bool,
) -> Result<Stream> {
    // Between brackets only a query is understood; a comment at its end must not hide the bracket.
    let from = format!("(\n{sql}\n)");
    let found = client.query_columns(&format!("SELECT * FROM {from} AS d"))?;
    let mut seen = BTreeSet::new();
    if let Some((twice, _)) = found.iter().find(|(column, _)| !seen.insert(column.to_ascii_lowercase())) {
        return Err(Error::config(format!("the query has two columns `{twice}`"))
            .hint("give one of them another name with `AS`"));
    }
    let column = |(name_of, declared): (String, String)| {
        let found = TableColumn { name: name_of, declared, is_not_null: false, key: 0, noted: None };
        stream_column(settings, name, &found, false, true)
    };
    let mut stream = Stream {
        name: name.to_owned(),
        from,
        is_table: false,
        columns: found.into_iter().map(column).collect(),
        rowid: None,
        keys: Vec::new(),
        filter: settings.filters.get(name).cloned(),
        row_count: None,
    };
    if is_discovery {
        stream.guess(client)?;
    }
    Ok(stream)
}

/// What a column is read as: what the user says, what this connector noted as it wrote it, what is declared.
fn stream_column(
    settings: &TapSettings,
    table: &str,
    found: &TableColumn,
    strict: bool,
    has_nulls: bool,
) -> StreamColumn {
    let by_user = settings.types.get(&format!("{table}.{}", found.name));
    if let (None, Some(noted)) = (by_user, &found.noted) {
        let field = Field::new(&found.name, noted.data_type().clone(), has_nulls);
        // All that was ever written is NULL: nothing but the value itself can tell what comes.
        if storage(noted.data_type()) != Storage::Null || found.declared.is_empty() {
            let field = field.with_metadata(noted.metadata().clone());
            let form = match is_json(&field) {
                true => TextForm::Json,
                false => TextForm::Strict,
            };
            let order = following::order_of_noted(field.data_type());
            return StreamColumn { field, form, order, is_guessed: false };
        }
    }
    let declared = || declared::declared_type(&found.declared, strict);
    let read_as = by_user.cloned().or_else(declared);
    let is_guessed = read_as.is_none();
    let text = || ReadAs { theirs: DataType::Utf8, form: TextForm::Strict, is_date: false };
    let ReadAs { theirs, form, is_date } = read_as.unwrap_or_else(text);
    let order = following::order_of_declared(&theirs, is_date);
    let mut field = Field::new(&found.name, theirs, has_nulls);
    if form == TextForm::Json {
        field = field.with_metadata([(EXTENSION.to_owned(), JSON.to_owned())].into());
    }
    StreamColumn { field, form, order, is_guessed }
}

fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION).is_some_and(|name| name == JSON)
}

/// A name for the number of a row, where there is one.
fn rowid(table: &Listed, columns: &[TableColumn]) -> Result<Option<String>> {
    if !table.has_rowid {
        return Ok(None);
    }
    let mut keys = columns.iter().filter(|column| column.key > 0);
    if let (Some(key), None) = (keys.next(), keys.next())
        && key.declared.eq_ignore_ascii_case("INTEGER")
    {
        return quote_ident(&key.name).map(Some);
    }
    let is_free = |name: &&str| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    Ok(["rowid", "_rowid_", "oid"].into_iter().find(is_free).map(str::to_owned))
}

impl StreamColumn {
    /// Takes a type for it that nothing says.
    pub(crate) fn assume(&mut self, theirs: DataType) {
        self.order = following::order_of_declared(&theirs, false);
        self.field = self.field.clone().with_data_type(theirs);
    }
}

impl Stream {
    /// Looks at the first rows for the types of columns that have none.
    fn guess(&mut self, client: &Client) -> Result<()> {
        let open: Vec<usize> = (0..self.columns.len()).filter(|at| self.columns[*at].is_guessed).collect();
        if open.is_empty() {
            return Ok(());
        }
        let names = open.iter().map(|at| Ok(format!("d.{}", quote_ident(self.columns[*at].field.name())?)));
        let names = names.collect::<Result<Vec<_>>>()?.join(", ");
        let sql = format!("SELECT {names} FROM {} AS d LIMIT {SAMPLE_ROWS}", self.from);
        let classes = match client.classes(&sql, open.len(), SAMPLE_ROWS) {
            // A view or query may fail at one row: reading it says so.
            Err(error) if error.vendor() == rusqlite::ffi::SQLITE_ERROR => return Ok(()),
            classes => classes?,
        };
        for (at, classes) in open.iter().zip(classes) {
            self.columns[*at].assume(declared::guessed_type(&classes));
        }
        Ok(())
    }

    /// Where a column stands.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.field.name() == name)
    }

    /// The stream as the catalog has it.
    pub(crate) fn info(&self) -> StreamInfo {
        let mut methods = vec![ReplicationMethod::FullTable];
        let mut keys = Vec::new();
        // Rows of some types cannot be told apart at the boundary of two runs.
        if self.columns.iter().all(|column| following::is_hashable(column.field.data_type())) {
            let names = self.columns.iter().filter(|column| column.order.is_some());
            keys.extend(names.map(|column| column.field.name().clone()));
        }
        if !keys.is_empty() {
            methods.push(ReplicationMethod::Incremental);
        }
        let fields: Vec<Field> = self.columns.iter().map(|column| column.field.clone()).collect();
        StreamInfo {
            name: self.name.clone(),
            schema: Arc::new(Schema::new(fields)),
            key_properties: self.keys.iter().map(|at| self.columns[*at].field.name().clone()).collect(),
            replication_methods: methods,
            replication_keys: keys,
            row_count: self.row_count,
            description: None,
        }
    }

    /// The names of the columns that the file keeps unique, and NULL out of.
    pub(crate) fn unique_columns(&self) -> Vec<String> {
        let keys: Vec<&Field> = self.keys.iter().map(|at| &self.columns[*at].field).collect();
        match self.is_table && keys.iter().all(|key| !key.is_nullable()) {
            true => keys.iter().map(|key| key.name().clone()).collect(),
            false => Vec::new(),
        }
    }
}
