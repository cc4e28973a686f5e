"""DuckDB on a statement: `query.py [--postgres] STATEMENT`; with --postgres the databases `source` and `sink` of
PGHOST are attached by these names. What the statement returns is printed, `|` between columns."""
import sys

import duckdb

connection = duckdb.connect()
if sys.argv[1] == "--postgres":
    connection.execute("LOAD postgres_scanner")
    for name in ("source", "sink"):
        connection.execute(f"ATTACH 'dbname={name}' AS {name} (TYPE postgres)")
for row in connection.execute(sys.argv[-1]).fetchall():
    print("|".join(map(str, row)))
