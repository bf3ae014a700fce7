"""The shop that is swept: as small as it can be with every kind of file that a run writes.

Three sources (CSV with duplicates and bad rows, CSV that is merged, a zip of gzip'd JSON), two models (one by day with
CSV files, one whole), archive on, and the drop folder emptied once the archive is verified. A run takes 0.2 s. The first
drop makes the tables; the second has keys that are there already, replaces users and so removes parts, corrects a file, and
adds a day. Without an archive the drop folder keeps its files, and a changed rule has them judged again.

Another shop has a table that each drop replaces, one whose files bring a new column, and an alert that a program takes."""
import gzip
import io
import json
import os
import shutil
import zipfile

AS_OF = "2025-07-20"
CONFIG = """data_workers: 1
memory_limit_mb: 256
quality_threshold: 10
sources:
  sales:
    files: ["sales_*.csv"]
    format: csv
    key: [order_id]
    load: append
    partition_by: date
    derive:
      date: CAST(order_date AS DATE)
  users:
    files: ["users_*.csv"]
    format: csv
    key: [user_id]
    load: merge
  logs:
    files: ["logs_*.zip", "logs_*.json*"]
    format: json
    key: [request_id]
    load: append
    partition_by: date
    derive:
      date: CAST(timestamp AS DATE)
archive:
  enabled: true
  include: [processed, raw, staging, quality]
  cleanup: [raw, staging]
alerts:
  - type: file
"""
SCHEMAS = {
    "sales": {"required_columns": {"order_id": {"type": "string", "not_null": True}, "order_date": {"type": "datetime", "not_null": True},
                                   "user_id": "string", "quantity": "integer", "total_amount": "decimal(10,2)"}},
    "users": {"required_columns": {"user_id": {"type": "string", "not_null": True}, "country": "string", "age": "integer"}},
    "logs": {"required_columns": {"request_id": {"type": "string", "not_null": True}, "timestamp": {"type": "datetime", "not_null": True},
                                  "endpoint": "string", "status_code": "integer"}},
}
RULES = """sales:
  quantity:
    min_value: 1
users:
  age:
    allowed_range: [16, 100]
logs:
  status_code:
    allowed_range: [100, 599]
"""
TIGHTENED = 2  # quantity
MODELS = {
    "sales_kpi": "-- Per day.\n-- partition_by: date\n-- csv: sales/{date}/sales_{date}_kpi.csv\n"
                 "SELECT s.date, u.country, count(*) AS orders, sum(s.quantity) AS units FROM sales AS s "
                 "LEFT JOIN users AS u ON u.user_id = s.user_id GROUP BY s.date, u.country\n",
    "users_kpi": "-- Per country.\n-- csv: users/users_summary.csv\n"
                 "SELECT country, count(*) AS nb_users, avg(age) AS avg_age FROM users GROUP BY country\n",
}
THRESHOLDS = "global_threshold: 10\n"

OTHER_CONFIG = """data_workers: 1
memory_limit_mb: 256
quality_threshold: 10
sources:
  prices:
    files: ["prices_*.csv"]
    format: csv
    key: [sku]
    load: replace
  events:
    files: ["events_*.json"]
    format: json
    key: [event_id]
    load: append
    partition_by: date
    derive:
      date: CAST(moment AS DATE)
archive:
  enabled: false
alerts:
  - type: command
    name: pager
    argv: [/bin/sh, -c, "cat > payload; echo $ECLUSE_ALERT_ID >> sent"]
    severity: warn
    repeat_after: 0s
"""
OTHER_SCHEMAS = {
    "prices": {"required_columns": {"sku": {"type": "string", "not_null": True}, "price": "decimal(10,2)"}},
    "events": {"required_columns": {"event_id": {"type": "string", "not_null": True}, "moment": {"type": "datetime", "not_null": True}, "kind": "string"}},
}
OTHER_RULES = """prices:
  price:
    min_value: 0
"""


def csv(header, *rows):
    return "".join(line + "\n" for line in (header, *rows))


def sales(*rows):
    return csv("order_id,order_date,user_id,quantity,total_amount", *rows)


def sale(number, day, quantity=2):
    return f"O{number},2025-07-{day:02d} 10:{number % 60:02d}:00,U{number % 5},{quantity},{number}.50"


def users(*rows):
    return csv("user_id,country,age", *rows)


def log(number, day, status=200):
    return {"request_id": f"R{number}", "timestamp": f"2025-07-{day:02d}T11:{number % 60:02d}:00Z", "endpoint": "/cart", "status_code": status}


def gz(*records):
    return gzip.compress(json.dumps(records).encode(), mtime=0)


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "."), (2025, 7, 18, 0, 0, 0)), data)
    return out.getvalue()


def drops():
    """The files of the first and the second drop."""
    first = {
        "sales_1.csv": sales(*(sale(n, 17 + n % 2) for n in range(1, 8)), sale(8, 17, quantity=1), sale(3, 18), sale(90, 17, quantity=0)),
        "sales_2.csv": sales(*(sale(n, 18) for n in range(10, 14)), sale(2, 17)),
        "users_1.csv": users("U0,FR,30", "U1,FR,31", "U2,DE,32", "U3,DE,200", "U4,IT,34"),
        "logs_1.zip": zipped(logs_a__json__gz=gz(log(1, 17), log(2, 17), log(3, 18, status=999)), logs_b__json__gz=gz(log(4, 18), log(1, 17))),
    }
    second = {
        "sales_2.csv": sales(sale(11, 18), sale(23, 19), "O98,no date,U1,1,1.00"),  # corrected, under its old name
        "sales_3.csv": sales(sale(1, 18), *(sale(n, 19) for n in range(20, 23)), sale(5, 18), "O99,no date,U1,1,1.00"),
        "users_2.csv": users("U1,ES,41", "U5,ES,25", "U2,DE,33"),
        "logs_2.json.gz": gz(log(5, 19), log(2, 17), log(6, 19)),
    }
    return first, second


def event(number, day, **more):
    return json.dumps({"event_id": f"E{number}", "moment": f"2025-07-{day:02d}T12:{number % 60:02d}:00Z", "kind": "view", **more}) + "\n"


def other_drops():
    """Of the other shop: the second replaces the prices, of which one is bad, and its events have a coupon more."""
    first = {
        "prices_1.csv": csv("sku,price", "A,1.00", "B,2.00", "C,3.00"),
        "events_1.json": "".join(event(n, 17 + n % 2) for n in range(1, 6)),
    }
    second = {
        "prices_2.csv": csv("sku,price,currency", "B,2.50,EUR", "D,4.00,EUR", "E,-1.00,EUR"),
        "events_2.json": "".join(event(n, 19, coupon=f"C{n}") for n in range(6, 9)) + event(2, 17, coupon="late"),
    }
    return first, second


def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    # Always the same: the manifest knows a file by its time, and a run by what it reads.
    os.utime(path, (1752750000, 1752750000))


def drop(folder, files):
    for name, data in files.items():
        write(folder, os.path.join("data", "raw", name), data)


def tighten(folder):
    """Changes a rule: what lies in the drop folder is judged again, and rows that were accepted go."""
    write(folder, "config/business_rules.yaml", RULES.replace("min_value: 1", f"min_value: {TIGHTENED}"))


def make(folder, archive=True):
    """The project before its first run, without raw files."""
    make_any(folder, CONFIG if archive else CONFIG.replace("enabled: true", "enabled: false"), SCHEMAS, RULES)
    for name, text in MODELS.items():
        write(folder, f"transformations/{name}.sql", text)


def make_other(folder):
    make_any(folder, OTHER_CONFIG, OTHER_SCHEMAS, OTHER_RULES)


def make_any(folder, config, schemas, rules):
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, "config/pipeline_config.yaml", config)
    write(folder, "config/data_schemas.json", json.dumps(schemas))
    write(folder, "config/business_rules.yaml", rules)
    write(folder, "config/quality_thresholds.yaml", THRESHOLDS)
    os.makedirs(os.path.join(folder, "data", "raw"))
    os.makedirs(os.path.join(folder, "logs"))
