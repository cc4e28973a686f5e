use arrow::array::{Array, ArrayRef, Int32Array, ListArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use std::sync::Arc;

use crate::testing::{client, database, read, text_of, write, write_new};

/// Every kind of type, with values at its ends. One line per column: its name, its type, its values.
const ALL: &[(&str, &str, &[&str])] = &[
    ("b", "boolean", &["true", "false", "NULL"]),
    ("i2", "smallint", &["-32768", "32767", "0"]),
    ("i4", "integer", &["-2147483648", "2147483647", "NULL"]),
    ("i8", "bigint", &["-9223372036854775808", "9223372036854775807", "0"]),
    ("o", "oid", &["0", "4294967295", "1"]),
    ("f4", "real", &["'NaN'", "'-Infinity'", "'-0'"]),
    ("f8", "double precision", &["5e-324", "'Infinity'", "0.1"]),
    ("n12", "numeric(12,2)", &["1234567890.12", "-0.01", "NULL"]),
    ("n38", "numeric(38,10)", &["9999999999999999999999999999.9999999999", "-1e-10", "0"]),
    (
        "n76",
        "numeric(70,30)",
        &["1234567890123456789012345678901234567890.000000000000000000000000000001", "0", "-1"],
    ),
    ("nfine", "numeric(3,5)", &["0.00123", "-0.00999", "0"]),
    ("ncoarse", "numeric(3,-2)", &["12300", "-99900", "0"]),
    ("nany", "numeric", &["1e400", "'NaN'", "-0.000000000000000000000000000000000000000000000000100"]),
    ("nany2", "numeric", &["'Infinity'", "'-Infinity'", "100.0"]),
    ("t", "text", &["''", "'žluťoučký\n\t\\'", "NULL"]),
    ("vc", "varchar(5)", &["'abcde'", "'čšřžý'", "''"]),
    ("c5", "char(5)", &["'ab'", "'abcde'", "''"]),
    ("c1", "\"char\"", &["'a'", "''", "NULL"]),
    ("nm", "name", &["'x'", "'y'", "''"]),
    ("by", "bytea", &["'\\x00ff10'", "''", "NULL"]),
    ("d", "date", &["'4713-01-01 BC'", "'5874897-12-31'", "'2024-02-29'"]),
    ("ti", "time", &["'00:00'", "'24:00:00'", "'23:59:59.999999'"]),
    ("ti3", "time(3)", &["'00:00:00.123'", "'24:00:00'", "NULL"]),
    ("tz", "timetz", &["'12:34:56.789+14:30'", "'00:00-12:00:30'", "NULL"]),
    (
        "ts",
        "timestamp",
        &["'4713-01-01 00:00:00 BC'", "'294246-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'"],
    ),
    ("tsz", "timestamptz(3)", &["'0001-01-01 00:00:00.001+00 BC'", "'2024-06-01 12:00:00+02'", "NULL"]),
    ("iv", "interval", &["'1 mon -1 day 00:00:00.000001'", "'-178000000 years'", "'2562047 hours'"]),
    ("ivf", "interval year to month", &["'14 mon'", "'0'", "NULL"]),
    (
        "u",
        "uuid",
        &["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "NULL"],
    ),
    ("j", "json", &["'{\"a\": 1,  \"a\": 2}'", "'null'", "'\"x\"'"]),
    ("jb", "jsonb", &["'{\"b\": [1e400, null], \"a\": {}}'", "'null'", "NULL"]),
    ("e", "mood", &["'sad'", "'it''s \"fine\"'", "NULL"]),
    ("dom", "positive", &["1", "2147483647", "NULL"]),
    ("domn", "cents", &["12.34", "NULL", "0"]),
    ("a", "integer[]", &["'{1,NULL,3}'", "'{}'", "NULL"]),
    ("a2", "integer[][]", &["'{{1,2},{3,NULL}}'", "'{{5}}'", "'{}'"]),
    ("at", "text[]", &["'{\"a,b\",\"\",NULL}'", "'{x}'", "'{}'"]),
    ("ae", "mood[]", &["'{sad,happy}'", "'{}'", "NULL"]),
    ("an", "numeric(10,2)[]", &["'{1.10,-2.00}'", "'{}'", "NULL"]),
    ("ai", "inet[]", &["'{10.0.0.1/8,::1}'", "'{}'", "NULL"]),
    ("am", "money[]", &["'{1.10,-2.00}'", "'{}'", "NULL"]),
    ("comp", "point2", &["'(1,\"a,b\")'", "'(,)'", "NULL"]),
    ("compn", "nested", &["'(\"(1,x)\",\"{1,2}\")'", "'(,)'", "NULL"]),
    ("compt", "withtext", &["'(1,10.0.0.1)'", "'(,)'", "NULL"]),
    ("r", "int4range", &["'[1,5)'", "'empty'", "'(,)'"]),
    ("mr", "int4multirange", &["'{[1,2),[5,7)}'", "'{}'", "NULL"]),
    ("bt", "bit(5)", &["B'10101'", "B'00000'", "NULL"]),
    ("vb", "bit varying", &["B''", "B'1'", "NULL"]),
    ("ip", "inet", &["'192.168.1.5/24'", "'::1'", "NULL"]),
    ("ci", "cidr", &["'10.0.0.0/8'", "'::/0'", "NULL"]),
    ("ma", "macaddr", &["'08:00:2b:01:02:03'", "NULL", "NULL"]),
    ("hs", "hstore", &["'a=>1, b=>NULL'", "''", "NULL"]),
    ("mo", "money", &["'1234.56'", "'-0.01'", "NULL"]),
    ("x", "xml", &["'<a>č</a>'", "'t'", "NULL"]),
    ("p", "point", &["'(1.5,-0)'", "'(1e300,NaN)'", "NULL"]),
    ("tv", "tsvector", &["'a:1 b:2A'", "''", "NULL"]),
    ("lsn", "pg_lsn", &["'16/B374D848'", "'0/0'", "NULL"]),
    ("ct", "citext", &["'AbC'", "''", "NULL"]),
];

const TYPES: &str = "CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext;
    CREATE TYPE mood AS ENUM ('sad', 'it''s \"fine\"', 'happy');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE DOMAIN cents AS numeric(10,2);
    CREATE TYPE point2 AS (x integer, \"the name\" text); CREATE TYPE nested AS (p point2, l integer[]);
    CREATE TYPE withtext AS (x integer, ip inet);";

fn make_all(database: &dstream_postgres_server::Database) {
    let columns: Vec<String> = ALL.iter().map(|(name, sql, _)| format!("{name} {sql}")).collect();
    let rows = (0..3).map(|row| {
        let values: Vec<&str> = ALL.iter().map(|(_, _, values)| values[row]).collect();
        format!("INSERT INTO \"all\" VALUES ({});", values.join(", "))
    });
    let rows = rows.collect::<Vec<_>>().join("\n");
    database.psql(&format!("{TYPES} CREATE TABLE \"all\" ({}); {rows}", columns.join(", "))).unwrap();
}

#[test]
fn every_type_comes_back_as_what_it_was_in_the_same_and_in_another_database() {
    let (source, other) = (database("types"), database("types"));
    make_all(&source);
    other.psql("CREATE EXTENSION hstore; CREATE EXTENSION citext").unwrap();
    let batch = read(&mut client(&source), "all", &[]).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (3, ALL.len()));
    for target in [&source, &other] {
        assert_eq!(write_new(&mut client(target), "again", &batch).unwrap(), 3);
        assert_eq!(text_of(target, "again"), text_of(&source, "all"));
        // The very types, too.
        let types = "SELECT string_agg(format('%s %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) \
                     FROM pg_attribute WHERE attnum > 0 AND attrelid = ";
        assert_eq!(
            target.psql(&format!("{types} 'again'::regclass")).unwrap(),
            source.psql(&format!("{types} '\"all\"'::regclass")).unwrap()
        );
    }
}

#[test]
fn every_type_comes_back_from_its_text() {
    let database = database("types");
    make_all(&database);
    let wanted: Vec<(&str, &str)> = ALL.iter().map(|(name, ..)| (*name, "text")).collect();
    let batch = read(&mut client(&database), "all", &wanted).unwrap();
    assert!(batch.columns().iter().all(|column| *column.data_type() == DataType::Utf8));
    write_new(&mut client(&database), "again", &batch).unwrap();
    assert_eq!(text_of(&database, "again"), text_of(&database, "all"));
}

#[test]
fn what_arrow_cannot_hold_is_refused_with_the_column_and_a_way_out() {
    let database = database("types");
    for (sql, value) in [
        ("numeric(5,2)", "'NaN'"),
        ("date", "'infinity'"),
        ("date", "'-infinity'"),
        ("timestamp", "'infinity'"),
        ("timestamptz", "'-infinity'"),
        ("timestamp", "'294276-12-31 23:59:59'"),
        ("interval", "'3000000 hours'"),
        ("integer[]", "'{{1,2},{3,4}}'"),
        ("integer[]", "'[2:3]={1,2}'"),
        ("integer[][]", "'{1,2}'"),
    ] {
        let table = "DROP TABLE IF EXISTS bad; CREATE TABLE bad (ok integer, bad";
        database.psql(&format!("{table} {sql}); INSERT INTO bad VALUES (1, NULL), (2, {value})")).unwrap();
        let error = read(&mut client(&database), "bad", &[]).unwrap_err();
        assert_eq!(error.kind(), dstream_sdk::ErrorKind::Data, "{sql} {value}: {error}");
        assert!(error.to_string().contains("the column `bad` has, in the record 2"), "{error}");
        // The way out that it names.
        let batch = read(&mut client(&database), "bad", &[("bad", "text")]).unwrap();
        write_new(&mut client(&database), "bad_again", &batch).unwrap();
        assert_eq!(text_of(&database, "bad_again"), text_of(&database, "bad"), "{sql} {value}");
        database.psql("DROP TABLE bad_again").unwrap();
    }
}

#[test]
fn numbers_of_any_size_are_read_as_a_decimal_where_the_user_says_which() {
    let database = database("types");
    database.psql("CREATE TABLE n (n numeric); INSERT INTO n VALUES (12.5), (-0.001)").unwrap();
    let batch = read(&mut client(&database), "n", &[("n", "decimal(10, 3)")]).unwrap();
    assert_eq!(*batch.column(0).data_type(), DataType::Decimal128(10, 3));
    write_new(&mut client(&database), "again", &batch).unwrap();
    assert_eq!(database.psql("SELECT array_agg(n) FROM again").unwrap().trim(), "{12.500,-0.001}");
    let error = read(&mut client(&database), "n", &[("n", "decimal(10, 2)")]).unwrap_err();
    assert!(error.to_string().contains("behind the point"), "{error}");
    for wrong in ["decimal(0,0)", "decimal(5,6)", "int", "decimal(80,2)"] {
        let error = read(&mut client(&database), "n", &[("n", wrong)]).unwrap_err();
        assert_eq!(error.kind(), dstream_sdk::ErrorKind::Config, "{wrong}");
    }
}

#[test]
fn the_longest_numbers_and_texts_come_back() {
    let database = database("types");
    database
        .psql(
            "CREATE TABLE long (n numeric, t text, b bytea);
             INSERT INTO long SELECT (repeat('9', 131072) || '.' || repeat('1', 16383))::numeric, repeat('xž', 30000000), NULL;
             INSERT INTO long SELECT -('0.' || repeat('0', 16382) || '7')::numeric, NULL, decode(repeat('00ff', 25000000), 'hex')",
        )
        .unwrap();
    let batch = read(&mut client(&database), "long", &[]).unwrap();
    write_new(&mut client(&database), "again", &batch).unwrap();
    let digest = |table: &str| {
        let sql = "SELECT md5(n::text), length(t), md5(t), length(b), md5(b) FROM";
        database.psql(&format!("{sql} {table} ORDER BY n")).unwrap()
    };
    assert_eq!(digest("again"), digest("long"));
}

fn one(field: Field, array: ArrayRef) -> RecordBatch {
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

#[test]
fn a_column_takes_what_it_can_hold_and_says_how_wide_it_would_have_to_be() {
    use DataType as A;
    let database = database("types");
    let mut client = client(&database);
    let mut answer = |sql: &str, data_type: A| {
        client.run(&format!("DROP TABLE IF EXISTS f; CREATE TABLE f (c {sql})")).unwrap();
        let field = Field::new("c", data_type.clone(), true);
        match write(&mut client, "f", &one(field, arrow::array::new_null_array(&data_type, 1))) {
            Ok(_) => "fits".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    for (sql, data_type, wanted) in [
        ("smallint", A::Int16, "fits"),
        ("smallint", A::Int32, "Widen(\"integer\")"),
        ("integer", A::Int64, "Widen(\"bigint\")"),
        ("bigint", A::UInt64, "Widen(\"numeric(20,0)\")"),
        ("bigint", A::UInt8, "fits"),
        ("numeric", A::UInt64, "fits"),
        ("numeric(12,2)", A::Int64, "Widen(\"numeric(21,2)\")"),
        ("numeric(12,2)", A::Decimal128(10, 4), "Widen(\"numeric(14,4)\")"),
        ("real", A::Float64, "Widen(\"double precision\")"),
        ("text", A::Int32, "Refused"),
        ("integer", A::Utf8, "Refused"),
        ("varchar(3)", A::Utf8, "fits"),
        ("char(3)", A::Utf8, "Widen(\"text\")"),
        ("uuid", A::Utf8, "fits"),
        ("timestamp(0)", A::Timestamp(arrow::datatypes::TimeUnit::Millisecond, None), "Widen(\"timestamp\")"),
        ("timestamp", A::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, None), "fits"),
        ("timestamptz", A::Timestamp(arrow::datatypes::TimeUnit::Second, None), "Refused"),
    ] {
        let found = answer(sql, data_type.clone());
        assert!(found.contains(wanted), "{data_type} into {sql}: {found}");
    }
}

#[test]
fn what_the_server_cannot_hold_is_refused_before_it_is_sent() {
    let database = database("types");
    let mut client = client(&database);
    let field = |data_type: &DataType| Field::new("c", data_type.clone(), true);
    let lists = |lists: Vec<Option<Vec<Option<i32>>>>| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))
    };
    let cases: Vec<(&str, ArrayRef, &str)> = vec![
        ("text", Arc::new(StringArray::from(vec!["ok", "a\0b"])), "NUL"),
        ("varchar(2)", Arc::new(StringArray::from(vec!["čš", "abc"])), "more characters"),
        ("date", Arc::new(arrow::array::Date32Array::from(vec![0, i32::MAX])), "outside"),
        ("timestamp", Arc::new(arrow::array::TimestampNanosecondArray::from(vec![1000, 1])), "microsecond"),
        ("time", Arc::new(arrow::array::Time64MicrosecondArray::from(vec![0, -1])), "outside"),
    ];
    for (sql, array, why) in cases {
        client.run(&format!("DROP TABLE IF EXISTS f; CREATE TABLE f (c {sql})")).unwrap();
        let mut session = crate::testing::client(&database);
        let error = write(&mut session, "f", &one(field(array.data_type()), array)).unwrap_err();
        assert!(error.to_string().contains("the column `c` of the record 2"), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    // Lists that are no rectangle stay lists: as JSON, or not at all.
    let ragged = lists(vec![Some(vec![Some(1)]), None, Some(vec![])]);
    client.run("DROP TABLE IF EXISTS f; CREATE TABLE f (c integer[])").unwrap();
    write(&mut client, "f", &one(field(ragged.data_type()), ragged)).unwrap();
    assert_eq!(
        database.psql("SELECT string_agg(coalesce(c::text, 'null'), ' ') FROM f").unwrap().trim(),
        "{1} null {}"
    );
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    client.run("DROP TABLE IF EXISTS f; CREATE TABLE f (c text)").unwrap();
    assert!(write(&mut client, "f", &one(field(numbers.data_type()), numbers)).is_err());
}
