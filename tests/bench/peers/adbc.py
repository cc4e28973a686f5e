"""`adbc.py CSV DATABASE`: a file of comma-separated values into the table `lineitem` of SQLite, by pyarrow and ADBC."""
import sys

import adbc_driver_sqlite.dbapi as sqlite
import pyarrow.csv as csv

with sqlite.connect(sys.argv[2]) as connection, connection.cursor() as cursor:
    cursor.adbc_ingest("lineitem", csv.open_csv(sys.argv[1]), mode="create")
    connection.commit()
