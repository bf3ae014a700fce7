"""Runs the script of `ecluse tables --ddl duckdb` from standard input, and prints what each of its views reads, as JSON.

In an environment of its own: the delta extension comes as a package, so that nothing is fetched while tests run. It is
signed by DuckDB's makers, and DuckDB checks that."""
import json
import os
import sys

import duckdb
import duckdb_ext

import readers

NAMES = {"VARCHAR": "string", "BIGINT": "long", "DOUBLE": "double", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP WITH TIME ZONE": "timestamp"}
db = duckdb.connect()
db.execute("SET extension_directory = ?", [os.path.join(next(iter(duckdb_ext.__path__)), "extensions")])
db.execute("SET TimeZone = 'UTC'")
db.execute(sys.stdin.read())
answer = {}
for (view,) in db.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
    found = db.execute(f'SELECT * FROM "{view}"')
    columns = [[name, NAMES.get(str(kind), str(kind).lower())] for name, kind, *_ in found.description]
    answer[view] = {"columns": columns, "rows": readers.ordered(found.fetchall())}
print(json.dumps(answer))
