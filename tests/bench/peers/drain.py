"""`drain.py duckdb|polars|pyarrow FILE`: every batch of a Parquet file, taken and dropped; says how many rows they had."""
import sys

library, name = sys.argv[1:]
if library == "duckdb":
    import duckdb

    batches = duckdb.connect().execute(f"FROM '{name}'").to_arrow_reader(65_536)
    rows = sum(batch.num_rows for batch in batches)
elif library == "polars":
    import polars

    rows = sum(batch.height for batch in polars.scan_parquet(name).collect_batches())
else:
    import pyarrow.dataset

    rows = sum(batch.num_rows for batch in pyarrow.dataset.dataset(name).to_batches())
print(f"{rows} rows")
