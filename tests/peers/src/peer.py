"""Answers requests, a line of JSON each: {"peer": "duckdb", "form": "parquet", "files": ["a", …], "columns": null} with
the columns, or those of the named ones that are there, their types and all values as text; or {"statement": "…"} with what DuckDB answers to it; or {"footer": "a"}
with what pyarrow finds in the footer of a file of Parquet: {"chunks": [{"path": "id", …}, …]}. Else: {"columns": [["id", "BIGINT"], …], "rows": [["1", null], …]}, or {"error": "…"}."""
import json
import sys


def text(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def by_duckdb(form, files, wanted):
    import duckdb

    reader = {"parquet": "read_parquet", "csv": "read_csv", "jsonl": "read_ndjson"}[form]
    options = {"csv": ", header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = false"}.get(form, "")
    source = f"{reader}($files, union_by_name = true{options})"
    connection, files = duckdb.connect(), {"files": files}
    there = [row[0] for row in connection.execute(f"DESCRIBE FROM {source}", files).fetchall()]
    chosen = ", ".join('"' + name.replace('"', '""') + '"' for name in there if wanted is None or name in wanted)
    if not chosen:
        return [], []
    result = connection.execute(f"SELECT {chosen} FROM {source}", files)
    return [[column[0], str(column[1])] for column in result.description], result.fetchall()


def by_pyarrow(form, files, wanted):
    import pyarrow
    from pyarrow import csv, feather, json as lines, parquet

    convert = csv.ConvertOptions(strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False)
    parse = csv.ParseOptions(newlines_in_values=True)
    read = {
        "parquet": lambda file: parquet.ParquetFile(file).read(),
        "csv": lambda file: csv.read_csv(file, convert_options=convert, parse_options=parse),
        "jsonl": lines.read_json,
        "arrow": feather.read_table,
    }[form]
    table = pyarrow.concat_tables([read(file) for file in files], promote_options="default")
    if wanted is not None:
        table = table.select([name for name in table.column_names if name in wanted])
    columns = [[field.name, str(field.type)] for field in table.schema]
    return columns, list(zip(*(column.to_pylist() for column in table.columns)))


def by_polars(form, files, wanted):
    import polars

    read = {
        "parquet": polars.read_parquet,
        "csv": lambda file: polars.read_csv(file, infer_schema=False),
        "jsonl": lambda file: polars.read_ndjson(file, infer_schema_length=None),
        "arrow": polars.read_ipc,
    }[form]
    table = polars.concat([read(file) for file in files], how="diagonal")
    if wanted is not None:
        table = table.select([name for name in table.columns if name in wanted])
    return [[name, str(dtype)] for name, dtype in table.schema.items()], table.rows()


def by_statement(statement):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    result = connection.execute(statement)
    return [[column[0], str(column[1])] for column in result.description], result.fetchall()


def footer(file):
    from pyarrow import parquet

    metadata = parquet.ParquetFile(file).metadata
    chunks = [metadata.row_group(group).column(at) for group in range(metadata.num_row_groups) for at in range(metadata.num_columns)]
    return [
        {
            "path": chunk.path_in_schema,
            "codec": chunk.compression,
            "has_statistics": chunk.is_stats_set,
            "has_column_index": chunk.has_column_index,
            "has_offset_index": chunk.has_offset_index,
        }
        for chunk in chunks
    ]


PEERS = {"duckdb": by_duckdb, "pyarrow": by_pyarrow, "polars": by_polars}

for line in sys.stdin:
    request = json.loads(line)
    try:
        if "footer" in request:
            print(json.dumps({"chunks": footer(request["footer"])}), flush=True)
            continue
        if "statement" in request:
            columns, rows = by_statement(request["statement"])
        else:
            columns, rows = PEERS[request["peer"]](request["form"], request["files"], request["columns"])
        answer = {"columns": columns, "rows": [[text(value) for value in row] for row in rows]}
    except Exception as error:  # the test says what it thinks of it
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
