"""What delta-rs, Polars, PyArrow and DuckDB read of a Delta table, in one form, to be compared with Spark's.

Runs in the virtual environment of tests/interop/, where those packages are: a request per line of standard input,
{"path", "version"}, and an answer per line, {reader: {"columns": [[name, type]], "rows": [[cell]]}}. Spark's side imports
`cell` and `ordered` from here, so nothing else may be imported at the top.
"""
import datetime
import decimal
import json
import os
import sys
import urllib.parse

EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


def cell(value):
    """A value as a text of its type and all of its digits; None is null."""
    if value is None or isinstance(value, str):
        return value if value is None else "s:" + value
    if isinstance(value, bool):
        return "b:true" if value else "b:false"
    if isinstance(value, datetime.datetime):
        naive = value if value.tzinfo is None else value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return f"t:{(naive - EPOCH) // MICROSECOND}"
    if isinstance(value, datetime.date):
        return f"d:{value.isoformat()}"
    if isinstance(value, decimal.Decimal):
        return f"m:{value:f}"
    return f"f:{value.hex()}" if isinstance(value, float) else f"i:{int(value)}"


def ordered(rows):
    return sorted(([cell(value) for value in row] for row in rows), key=lambda row: [text or "" for text in row])


# ---------------------------------------------------------------- of the interop environment alone


def _arrow_type(kind):
    text = str(kind)
    names = {"int64": "long", "bool": "boolean", "date32[day]": "date", "large_string": "string", "string_view": "string",
             "timestamp[us, tz=UTC]": "timestamp"}
    return text.replace("decimal128", "decimal").replace(" ", "") if text.startswith("decimal128") else names.get(text, text)


def by_delta_rs(path, version):
    import deltalake
    import pyarrow

    data = pyarrow.table(deltalake.DeltaTable(path, version=version).to_pyarrow_table())
    return [(field.name, _arrow_type(field.type)) for field in data.schema], zip(*(column.to_pylist() for column in data.columns))


def by_polars(path, version):
    import polars

    names = {"String": "string", "Int64": "long", "Float64": "double", "Boolean": "boolean", "Date": "date"}
    frame = polars.scan_delta(path, version=version).collect()

    def kind(one):
        if isinstance(one, polars.Decimal):
            return f"decimal({one.precision},{one.scale})"
        utc = isinstance(one, polars.Datetime) and one.time_unit == "us" and one.time_zone == "UTC"
        return "timestamp" if utc else names.get(str(one), str(one))

    return [(name, kind(frame.schema[name])) for name in frame.columns], frame.rows()


def replayed(path, version):
    """(active files, metaData) by the log's JSON alone."""
    active, metadata = {}, None
    for number in range(version + 1):
        with open(os.path.join(path, "_delta_log", f"{number:020d}.json"), encoding="utf-8") as file:
            for action in map(json.loads, file):
                if "add" in action:
                    active[action["add"]["path"]] = action["add"]
                elif "remove" in action:
                    active.pop(action["remove"]["path"], None)
                metadata = action.get("metaData", metadata)
    return active.values(), metadata


def _value_of(text, kind):
    if text is None or kind == "string":
        return text or None
    return {"date": datetime.date.fromisoformat, "long": int, "boolean": lambda t: t == "true"}[kind](text)


def _by_files(path, version, read):
    """A reader of Parquet files over those of the log: their columns with what types they have in the files, the
    partition's value from the log."""
    active, metadata = replayed(path, version)
    fields = [(field["name"], field["type"]) for field in json.loads(metadata["schemaString"])["fields"]]
    partitions, types, rows = metadata["partitionColumns"], {}, []
    for add in active:
        found, columns, count = read(os.path.join(path, urllib.parse.unquote(add["path"])))
        for name, kind in found.items():
            types.setdefault(name, set()).add(kind)
        given = {name: [_value_of(add["partitionValues"][name], kind)] * count for name, kind in fields if name in partitions}
        rows += zip(*({**columns, **given}.get(name, [None] * count) for name, _ in fields))
    return [(name, kind if name in partitions else "/".join(types.get(name, {kind}))) for name, kind in fields], rows


def by_pyarrow(path, version):
    import pyarrow.parquet

    def read(file):
        data = pyarrow.parquet.ParquetFile(file).read()
        return ({field.name: _arrow_type(field.type) for field in data.schema},
                {name: data[name].to_pylist() for name in data.column_names}, data.num_rows)

    return _by_files(path, version, read)


def by_duckdb(path, version):
    import duckdb

    names = {"VARCHAR": "string", "BIGINT": "long", "DOUBLE": "double", "BOOLEAN": "boolean", "DATE": "date",
             "TIMESTAMP WITH TIME ZONE": "timestamp"}
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")

        def read(file):
            found = db.execute("SELECT * FROM read_parquet($1, hive_partitioning = false)", [file])
            kinds = {name: names.get(str(kind), str(kind).lower()) for name, kind, *_ in found.description}
            rows = found.fetchall()
            return kinds, dict(zip(kinds, zip(*rows))) if rows else {name: [] for name in kinds}, len(rows)

        return _by_files(path, version, read)


READERS = {"delta-rs": by_delta_rs, "Polars": by_polars, "PyArrow": by_pyarrow, "DuckDB": by_duckdb}


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {}
        for name, read in READERS.items():
            columns, rows = read(asked["path"], asked["version"])
            answer[name] = {"columns": columns, "rows": ordered(rows)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
