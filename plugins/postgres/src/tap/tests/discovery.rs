//! What is found.

use dstream_sdk::{ReplicationMethod, Tap};
use serde_json::json;

use crate::tap::testing::*;
use crate::testing::database;

const EVERYTHING: &str = "
CREATE TABLE orders (id int8 PRIMARY KEY, total numeric(12,2) NOT NULL, note text, gone int, at timestamptz,
  twice numeric GENERATED ALWAYS AS (total * 2) STORED);
ALTER TABLE orders DROP COLUMN gone;
COMMENT ON TABLE orders IS 'what was ordered'; COMMENT ON COLUMN orders.note IS 'by hand';
INSERT INTO orders SELECT i, i, 'n', now() FROM generate_series(1, 500) i; ANALYZE orders;
CREATE TABLE parted (id int NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO parted SELECT i, date '2024-06-01' + i FROM generate_series(1, 400) i; ANALYZE parted_a, parted_b;
CREATE VIEW seen AS SELECT id, note FROM orders;
CREATE MATERIALIZED VIEW kept AS SELECT id, total FROM orders;
CREATE TABLE uniques (a int NOT NULL, b int, c int NOT NULL);
CREATE UNIQUE INDEX u1 ON uniques (b); CREATE UNIQUE INDEX u2 ON uniques (c) WHERE a > 0;
CREATE UNIQUE INDEX u3 ON uniques ((a + 1)); CREATE UNIQUE INDEX u4 ON uniques (c, a) INCLUDE (b);
CREATE TABLE keyless (a int); CREATE TABLE _dstreams_state (a int); CREATE TEMP TABLE passing (a int);
CREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".\"c.d%#\" (\"x\"\"y\" int, unknown inet);
CREATE EXTENSION IF NOT EXISTS postgres_fdw; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE far (id int, at timestamptz) SERVER other;
";

#[test]
fn every_kind_of_relation_is_found_with_its_keys_and_words() {
    let database = database("found");
    database.psql(EVERYTHING).unwrap();
    let tap = tap(&database, json!({}));
    let catalog = tap.discover().unwrap();
    let names: Vec<_> = catalog.streams.iter().map(|stream| stream.name.as_str()).collect();
    let all = [
        "a%2Eb.c%2Ed%25%23",
        "public.far",
        "public.kept",
        "public.keyless",
        "public.orders",
        "public.parted",
        "public.seen",
        "public.uniques",
    ];
    assert_eq!(names, all);
    let orders = stream(&tap, "public.orders");
    let columns: Vec<_> = orders.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(columns, ["id", "total", "note", "at", "twice"]);
    assert_eq!(orders.key_properties, ["id"]);
    assert_eq!(orders.row_count, Some(500));
    assert_eq!(orders.description.as_deref(), Some("what was ordered"));
    assert_eq!(orders.replication_keys, ["id", "total", "at"]);
    let field = |name| orders.schema.field_with_name(name).unwrap();
    assert_eq!(field("note").metadata()["comment"], "by hand");
    assert!(!field("id").is_nullable() && !field("total").is_nullable() && field("note").is_nullable());
    assert_eq!(stream(&tap, "public.parted").key_properties, ["id", "at"]);
    assert_eq!(stream(&tap, "public.parted").row_count, Some(400));
    assert_eq!(stream(&tap, "public.uniques").key_properties, ["c", "a"]);
    assert!(stream(&tap, "public.keyless").key_properties.is_empty());
    assert_eq!(stream(&tap, "public.kept").replication_methods, [ReplicationMethod::FullTable]);
    assert_eq!(stream(&tap, "public.far").replication_keys, ["at"]);
    assert_eq!(catalog, tap.discover().unwrap());
}

#[test]
fn names_of_every_kind_are_read_again() {
    let database = database("names");
    database.psql("CREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".\"c.d%#\" (\"x\"\"y\" int); INSERT INTO \"a.b\".\"c.d%#\" VALUES (7)").unwrap();
    let tap = tap(&database, json!({}));
    let selected = select(&tap, "a%2Eb.c%2Ed%25%23", None);
    assert_eq!(read(&tap, &selected, &mut Default::default()).unwrap(), ["7"]);
}

#[test]
fn filters_leave_out_what_nobody_wants() {
    let database = database("filters");
    let sql = "CREATE SCHEMA shop; CREATE SCHEMA stock; CREATE TABLE shop.orders (a int); CREATE TABLE shop.old_orders (a int); \
               CREATE TABLE stock.items (a int); CREATE TABLE public.other (a int)";
    database.psql(sql).unwrap();
    let names = |options| -> Vec<String> {
        tap(&database, options).discover().unwrap().streams.into_iter().map(|stream| stream.name).collect()
    };
    assert_eq!(names(json!({"schemas": ["s*"]})), ["shop.old_orders", "shop.orders", "stock.items"]);
    assert_eq!(names(json!({"tables": ["shop.*", "!*.old_*"]})), ["shop.orders"]);
    assert_eq!(names(json!({"schemas": ["s*"], "tables": ["!*.old_*"]})), ["shop.orders", "stock.items"]);
    assert_eq!(names(json!({"schemas": ["stock"]})), ["stock.items"]);
    assert!(names(json!({"schemas": ["pg_catalog"], "tables": ["*.pg_class"]})) == ["pg_catalog.pg_class"]);
}

#[test]
fn queries_filters_and_types_make_other_streams() {
    let database = database("queries");
    database.psql("CREATE TABLE t (id int PRIMARY KEY, n numeric, word text); INSERT INTO t SELECT i, i / 4.0, 'w' || i FROM generate_series(1, 8) i").unwrap();
    let options = json!({
        "queries": {"sums": "SELECT id % 2 AS odd, sum(n)::numeric(9,2) AS n FROM t GROUP BY 1 -- by oddity"},
        "filters": {"public.t": "id > 5 -- the newer ones"},
        "types": {"public.t.n": "decimal(9,3)"},
        "key_properties": {"sums": ["odd"]},
    });
    let tap = tap(&database, options);
    let sums = select(&tap, "sums", None);
    assert_eq!(sums.key_properties, ["odd"]);
    assert_eq!(sorted(read(&tap, &sums, &mut Default::default()).unwrap()), ["0|5.00", "1|4.00"]);
    let table = select(&tap, "public.t", None);
    assert_eq!(
        sorted(read(&tap, &table, &mut Default::default()).unwrap()),
        ["6|1.500|w6", "7|1.750|w7", "8|2.000|w8"]
    );
}
