"""An independent computation of the sample project, from its raw files to the tables.

Written from the contract of the sources, not from src/ or transformations/: log records are cut
and checked by Python's own json and read by DuckDB's, CSV is read by DuckDB's reader, workbooks by
Python's zipfile and ElementTree; types, rules, duplicates, derived columns, KPIs and the join are
SQL of its own.

    oracle.compute(con, "shop/data/raw", "2025-07-19")
    con.sql("SELECT * FROM want_api_logs")        # want_<table>, of every table

Datetimes are TIMESTAMP in UTC. A quoted cell must not hold a line end: the shop's do not.
"""
import datetime
import glob
import gzip
import json
import os
import re
import tempfile
import xml.etree.ElementTree
import zipfile

T, I, F, B, D = "string", "integer", "float", "boolean", "datetime"
COLUMNS = {
    "api_logs": dict(timestamp=D, request_id=T, user_id=T, session_id=T, endpoint=T, method=T, status_code=I,
                     response_time_ms=F, payload_size_bytes=I, cache_hit=B, country_code=T, ip_address=T, user_agent=T),
    "sessions": dict(session_id=T, user_id=T, start_time=D, end_time=D, pages_visited=I, products_viewed=I,
                     products_added_to_cart=I, conversion=B, total_spent=F, bounce_rate=B, device_type=T, browser=T,
                     referrer=T, country=T, city=T),
    "products": dict(product_id=T, name=T, category=T, price=F, cost=F, stock=I, brand=T, created_at=D, is_active=B,
                     rating=F, review_count=I),
    "users": dict(user_id=T, email=T, first_name=T, last_name=T, age=I, gender=T, country=T, city=T, registration_date=D,
                  is_premium=B, total_orders=I, total_spent=F, last_login=D),
    "sales": dict(order_id=T, order_date=D, user_id=T, session_id=T, product_id=T, quantity=I, unit_price=F, discount=F,
                  total_amount=F, payment_method=T, status=T),
}
REQUIRED = {
    "api_logs": "timestamp request_id session_id endpoint method status_code",
    "sessions": "session_id start_time end_time",
    "products": "product_id price stock",
    "users": "user_id registration_date last_login",
    "sales": "order_id order_date product_id quantity unit_price",
}
KEY = {"api_logs": "request_id", "sessions": "session_id", "products": "product_id", "users": "user_id", "sales": "order_id"}
DELTA = {T: "string", I: "long", F: "double", B: "boolean", D: "timestamp"}

# A row is bad where one of these is true; null is no violation.
BAD = {
    "api_logs": ["status_code NOT BETWEEN 100 AND 599", "response_time_ms > 10000", "country_code = ''",
                 "method NOT IN ('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS')"],
    "sessions": ["pages_visited < 0", "products_added_to_cart < 0", "total_spent < 0", "end_time < start_time",
                 "epoch(end_time) - epoch(start_time) > 360 * 60"],
    "products": ["price < 0", "cost < 0", "stock < 0", "review_count < 0", "rating NOT BETWEEN 0 AND 5"],
    "users": ["age NOT BETWEEN 16 AND 100", "total_orders < 0", "total_spent < 0", "gender NOT IN ('M', 'F', 'O')",
              "email IN ('admin@example.com', 'root@example.org')"],
    "sales": ["quantity < 1", "unit_price < 0", "discount NOT BETWEEN 0 AND 1",
              "abs(total_amount - quantity * unit_price * (1 - discount)) >= 0.011"],
}

DERIVED = {
    "api_logs": """
        CAST(timestamp AS DATE) AS date,
        CASE WHEN instr(endpoint, '/checkout') > 0 THEN 'checkout' WHEN instr(endpoint, '/cart') > 0 THEN 'cart'
             WHEN instr(endpoint, '/categories') > 0 THEN 'catalog'
             WHEN regexp_matches(endpoint, '/(login|auth)') THEN 'auth'
             WHEN instr(endpoint, '/product') > 0 THEN 'product' ELSE 'other' END AS category""",
    "sessions": """
        CAST(start_time AS DATE) AS date,
        (epoch_us(end_time) // 1000000 - epoch_us(start_time) // 1000000) / 60 AS duration_min,
        CASE WHEN referrer IS NULL THEN 'unknown' WHEN regexp_matches(referrer, 'ads') THEN 'ads'
             WHEN regexp_matches(referrer, 'facebook|social') THEN 'social'
             WHEN regexp_matches(referrer, 'direct') THEN 'direct' ELSE 'other' END AS traffic_source,
        coalesce(list_filter(['desktop', 'tablet', 'mobile'], lambda known: known = device_type)[1], 'unknown') AS device_category,
        bounce_rate AS is_bounce, conversion AS is_conversion,
        products_added_to_cart >= 1 AND conversion = false AS abandoned_cart""",
    "products": """
        CAST(created_at AS DATE) AS date, price - cost AS margin,
        if(price > 0, (price - cost) * 100 / price, NULL) AS margin_pct,
        if(cost > 0, (price - cost) * 100 / cost, NULL) AS markup_pct,
        if(stock > 100, 'high', if(stock > 10, 'medium', 'low')) AS stock_status,
        CAST(created_at AS DATE) >= DATE '{as_of}' - 30 AS is_new""",
    "users": """
        if(is_premium, 'premium', if(total_orders = 0, 'new', 'returning')) AS customer_type,
        round(total_orders * 1.5 + total_spent * 0.05 + if(is_premium, 10, 0), 2) AS loyalty_score,
        DATE '{as_of}' - CAST(last_login AS DATE) AS days_since_last_login""",
    "sales": """
        CAST(order_date AS DATE) AS date,
        round(quantity * unit_price * (1 - coalesce(discount, 0)), 2) AS net_amount""",
}

# An exact quantile between its two neighbours, from the sorted list.
QUANTILE = """
CREATE OR REPLACE MACRO spread(sorted, p) AS
    sorted[CAST(floor(p * (len(sorted) - 1)) AS BIGINT) + 1]
    + (sorted[CAST(ceil(p * (len(sorted) - 1)) AS BIGINT) + 1] - sorted[CAST(floor(p * (len(sorted) - 1)) AS BIGINT) + 1])
      * (p * (len(sorted) - 1) - floor(p * (len(sorted) - 1)))
"""
SHARE = "sum(if({0}, 1, 0)) / count({0})"

MODELS = {
    "api_logs_kpi": """
        SELECT date, category, method, country_code, count(*) AS count_requests,
            sum(response_time_ms) / count(response_time_ms) AS avg_response_time_ms,
            spread(list_sort(list(response_time_ms) FILTER (response_time_ms IS NOT NULL)), 0.5) AS p50_response_time_ms,
            spread(list_sort(list(response_time_ms) FILTER (response_time_ms IS NOT NULL)), 0.95) AS p95_response_time_ms,
            spread(list_sort(list(response_time_ms) FILTER (response_time_ms IS NOT NULL)), 0.99) AS p99_response_time_ms,
            sum(payload_size_bytes) / count(payload_size_bytes) AS avg_payload_bytes,
            count_if(cache_hit) AS nb_cache_hits, count_if(status_code // 100 = 4) AS nb_4xx,
            count_if(status_code // 100 = 5) AS nb_5xx
        FROM want_api_logs GROUP BY ALL""",
    "sessions_kpi": f"""
        SELECT date, device_type, browser, referrer, country, city, conversion, count(*) AS nb_sessions,
            avg(duration_min) AS avg_duration_min, avg(pages_visited) AS avg_pages_visited,
            avg(products_viewed) AS avg_products_viewed, avg(products_added_to_cart) AS avg_products_added,
            {SHARE.format('conversion')} AS conversion_rate, {SHARE.format('bounce_rate')} AS bounce_rate,
            avg(total_spent) AS avg_total_spent, {SHARE.format('abandoned_cart')} AS cart_abandonment_rate
        FROM want_sessions GROUP BY ALL""",
    "products_kpi": """
        SELECT date, category, stock_status, is_active, count(*) AS nb_products, avg(price) AS avg_price, avg(cost) AS avg_cost,
            avg(margin_pct) AS avg_margin_pct, avg(rating) AS avg_rating, avg(review_count) AS avg_review_count
        FROM want_products GROUP BY ALL""",
    "users_kpi": """
        SELECT country, customer_type, is_premium, count(*) AS nb_users, avg(age) AS avg_age,
            avg(total_orders) AS avg_total_orders, avg(total_spent) AS avg_total_spent, avg(loyalty_score) AS avg_loyalty_score,
            avg(days_since_last_login) AS avg_days_since_login
        FROM want_users GROUP BY ALL""",
    "sales_kpi": """
        SELECT date, if(p.product_id IS NULL OR p.category IS NULL, 'unknown', p.category) AS category, payment_method, status,
            count(*) AS orders, sum(quantity) AS units, sum(total_amount) AS revenue, avg(total_amount) AS avg_order_value,
            sum(total_amount - quantity * cost) AS margin
        FROM (SELECT s.* EXCLUDE (product_id), s.product_id AS sold FROM want_sales s) LEFT JOIN
            (SELECT product_id, category, cost FROM want_products) p ON p.product_id = sold GROUP BY ALL""",
    "funnel_daily": """
        SELECT *, viewed / sessions AS view_rate, if(viewed = 0, NULL, carted / viewed) AS cart_rate,
            if(carted = 0, NULL, converted / carted) AS checkout_rate, converted / sessions AS conversion_rate
        FROM (SELECT date, device_type, traffic_source, count(*) AS sessions, count_if(products_viewed > 0) AS viewed,
                count_if(products_added_to_cart > 0) AS carted, count_if(conversion) AS converted,
                count_if(bounce_rate) AS bounced, count_if(products_added_to_cart > 0 AND NOT conversion) AS abandoned
            FROM want_sessions GROUP BY ALL)""",
    "sessions_hourly": """
        SELECT date, hour(start_time) AS hour, count(*) AS sessions, count_if(conversion) AS converted
        FROM want_sessions GROUP BY ALL""",
    "api_latency_daily": """
        WITH both_ways AS (SELECT date, false AS is_total, category, response_time_ms FROM want_api_logs
            UNION ALL SELECT date, true, NULL, response_time_ms FROM want_api_logs)
        SELECT date, is_total, category, count(*) AS requests,
            spread(list_sort(list(response_time_ms) FILTER (response_time_ms IS NOT NULL)), 0.5) AS p50,
            spread(list_sort(list(response_time_ms) FILTER (response_time_ms IS NOT NULL)), 0.95) AS p95,
            spread(list_sort(list(response_time_ms) FILTER (response_time_ms IS NOT NULL)), 0.99) AS p99
        FROM both_ways GROUP BY ALL""",
}
MODEL_KEY = {
    "api_logs_kpi": "date category method country_code",
    "sessions_kpi": "date device_type browser referrer country city conversion",
    "products_kpi": "date category stock_status is_active",
    "users_kpi": "country customer_type is_premium",
    "sales_kpi": "date category payment_method status",
    "funnel_daily": "date device_type traffic_source",
    "sessions_hourly": "date hour",
    "api_latency_daily": "date is_total category",
    "combined_sessions": "session_id request_id",
}


def combined_sql():
    """Every session, beside it its user, beside that each of its requests of the days around."""
    def columns(source, dropped, alias, suffix, taken):
        names = [*COLUMNS[source], "_file", "_line", *re.findall(r"AS (\w+)(?:,|$)", DERIVED[source].strip(), re.M)]
        chosen = [(name, name + suffix if name in taken else name) for name in names if name not in dropped]
        return ", ".join(f"{alias}.{name} AS {shown}" for name, shown in chosen), {shown for _, shown in chosen}

    sessions, taken = columns("sessions", (), "s", "", ())
    users, added = columns("users", ("user_id",), "u", "_user", taken)
    logs, _ = columns("api_logs", ("session_id", "user_id"), "l", "_log", taken | added)
    return f"""SELECT {sessions}, {users}, {logs} FROM want_sessions s LEFT JOIN want_users u USING (user_id)
        LEFT JOIN want_api_logs l ON l.session_id = s.session_id AND l.user_id = s.user_id
            AND abs(date_diff('day', l.date, s.date)) <= 1"""


# ---------------------------------------------------------------- JSON


# RFC 4180: a cell is without any quote, or quoted with its quotes doubled.
CSV_RECORD = re.compile(rb'(?:[^",]*|"(?:[^"]|"")*")(?:,(?:[^",]*|"(?:[^"]|"")*"))*')


def no_constant(text):
    raise ValueError(text)


def short_number(convert):
    def parse(text):
        if len(text) > 100:
            raise ValueError(text)
        return convert(text)
    return parse


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def is_whole(raw):
    """Whether the bytes are one JSON object, strictly."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=no_constant,
                           parse_int=short_number(int), parse_float=short_number(float))
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate has no UTF-8
        return isinstance(value, dict)
    except ValueError:
        return False


def log_files(raw):
    """(name as tables have it, decoded bytes) of the logs, in the order of their names."""
    found = []
    for path in sorted(glob.glob(os.path.join(raw, "api_logs*"))):
        name = os.path.basename(path)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                found += [(f"{name}/{member}", gzip.decompress(archive.read(member))) for member in sorted(archive.namelist())]
        elif name.endswith((".json", ".json.gz")):
            with (gzip.open if name.endswith(".gz") else open)(path, "rb") as file:
                found.append((name, file.read()))
    return found


def records(data):
    """(offset, bytes) of each record: every one starts with its timestamp, whatever ends it."""
    starts = [match.start() for match in re.finditer(rb'\{"timestamp"', data)]
    for start, end in zip(starts, [*starts[1:], len(data)]):
        yield start, data[start:end].rstrip(b" \t\r\n,]")


# ---------------------------------------------------------------- XLSX

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def column_number(reference):
    number = 0
    for letter in re.match(r"[A-Z]+", reference).group(0):
        number = number * 26 + ord(letter) - 64
    return number - 1


def cell_text(cell, shared):
    kind, value = cell.get("t"), cell.find(f"{SHEET}v")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{SHEET}t"))
    if value is None or value.text is None:
        return None
    if kind == "s":
        return shared[int(value.text)]
    return {"1": "true", "0": "false"}[value.text] if kind == "b" else value.text


def workbook_rows(path):
    """(row number, texts of the cells by the name in the first row) of the rows without a cell beside that."""
    with zipfile.ZipFile(path) as book:
        names = book.namelist()
        shared = []
        if "xl/sharedStrings.xml" in names:
            for item in xml.etree.ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{SHEET}si"):
                shared.append("".join(text.text or "" for text in item.iter(f"{SHEET}t")))
        sheet = xml.etree.ElementTree.fromstring(book.read(sorted(n for n in names if n.startswith("xl/worksheets/"))[0]))
    header = None
    for row in sheet.iter(f"{SHEET}row"):
        cells = {column_number(cell.get("r")): cell_text(cell, shared) for cell in row.iter(f"{SHEET}c")}
        if header is None:
            header = cells
        elif any(cells.values()) and all(column in header for column, text in cells.items() if text):
            yield int(row.get("r")), {header[column]: text for column, text in cells.items() if column in header}


def serial_date(text):
    """A day number of a workbook as a timestamp's text; what is no number stays."""
    try:
        return str(datetime.datetime(1899, 12, 30) + datetime.timedelta(seconds=round(float(text) * 86400)))
    except (TypeError, ValueError):
        return text


# ---------------------------------------------------------------- the tables


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def typed(name, kind):
    text = f't."{name}"'
    if kind == I:
        return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN TRY_CAST({text} AS BIGINT) END"
    if kind == D:  # DuckDB takes 2025-7-1, too
        return f"CASE WHEN regexp_matches({text}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}($|[ T][0-9]{{2}}:)') THEN TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END"
    return {T: text, F: f"TRY_CAST({text} AS DOUBLE)", B: f"TRY_CAST({text} AS BOOLEAN)"}[kind]


def text_table(con, source):
    columns = ", ".join(f'"{name}" VARCHAR' for name in COLUMNS[source])
    con.execute(f"CREATE TEMP TABLE IF NOT EXISTS text_{source} (_file VARCHAR, _line BIGINT, _at BIGINT, {columns})")


def read_logs(con, raw, scratch):
    text_table(con, "api_logs")
    with open(scratch, "wb") as file:
        for name, data in log_files(raw):
            for offset, record in records(data):
                if is_whole(record):
                    place = json.dumps(name).encode(), data.count(b"\n", 0, offset) + 1, offset
                    file.write(b'{"f":%s,"l":%d,"o":%d,"r":%s}\n' % (*place, record))
    cells = ", ".join(f"r ->> '{name}'" for name in COLUMNS["api_logs"])
    con.execute(f"""INSERT INTO text_api_logs SELECT f, l, o, {cells} FROM read_json({quoted(scratch)},
        format = 'newline_delimited', columns = {{f: 'VARCHAR', l: 'BIGINT', o: 'BIGINT', r: 'JSON'}})""")


def read_csv(con, raw, scratch, source, pattern):
    """DuckDB takes a quote inside a cell for a letter, so lines against the grammar go before; ragged
    ones and those that are not UTF-8 it finds itself. Each line gets its number as first cell."""
    text_table(con, source)
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in ("_line", *COLUMNS[source]))
    for path in sorted(glob.glob(os.path.join(raw, pattern))):
        with open(path, "rb") as file, open(scratch, "wb") as kept:
            for number, line in enumerate(file.read().splitlines(), 1):
                if CSV_RECORD.fullmatch(line) and number > 1:
                    kept.write(b"%d,%s\n" % (number, line))
        con.execute(f"""INSERT INTO text_{source} SELECT {quoted(os.path.relpath(path, raw))}, _line, _line, * EXCLUDE (_line)
            FROM read_csv({quoted(scratch)}, columns = {{{columns}}}, header = false, delim = ',', quote = '"', escape = '"',
                auto_detect = false, strict_mode = true, ignore_errors = true, null_padding = false)""")


def read_workbook(con, raw, source, name):
    path = os.path.join(raw, name)
    if not os.path.exists(path):
        return
    for line, row in workbook_rows(path):
        cells = [serial_date(row.get(column)) if kind == D else row.get(column) for column, kind in COLUMNS[source].items()]
        con.execute(f"INSERT INTO text_{source} VALUES (?, ?, ?{', ?' * len(cells)})", [name, line, line, *cells])


def make_source(con, source, as_of):
    columns = COLUMNS[source]
    values = ", ".join(f'{typed(name, kind)} AS "{name}"' for name, kind in columns.items())
    wrong = [f'(t."{name}" IS NOT NULL AND {typed(name, kind)} IS NULL)' for name, kind in columns.items()]
    wrong += [f'(t."{name}" IS NULL)' for name in REQUIRED[source].split()]
    bad = " OR ".join(f"coalesce({rule}, false)" for rule in BAD[source])
    con.execute(f"""CREATE TEMP TABLE want_{source} AS
        WITH cells AS (SELECT {values}, _file, _line, _at, {" OR ".join(wrong)} AS _wrong FROM text_{source} t),
        good AS (SELECT * FROM cells WHERE NOT _wrong AND NOT ({bad})),
        once AS (SELECT * FROM good QUALIFY row_number() OVER (PARTITION BY {KEY[source]} ORDER BY _file, _at) = 1)
        SELECT * EXCLUDE (_wrong, _at), {DERIVED[source].format(as_of=as_of)} FROM once""")


def compute(con, raw, as_of):
    con.execute("SET TimeZone = 'UTC'")
    con.execute(QUANTILE)
    with tempfile.TemporaryDirectory() as folder:
        scratch = os.path.join(folder, "lines")
        read_logs(con, raw, scratch)
        for source, pattern in (("sessions", "user_sessions/sessions_*.csv"), ("users", "users_*.csv"), ("sales", "sales_*.csv"),
                                ("products", "products_catalog.csv")):
            read_csv(con, raw, scratch, source, pattern)
    read_workbook(con, raw, "products", "products_catalog.xlsx")
    for source in COLUMNS:
        make_source(con, source, as_of)
    for model, sql in {**MODELS, "combined_sessions": combined_sql()}.items():
        con.execute(f"CREATE TEMP TABLE want_{model} AS {sql}")


def differences(con, want, have, key, tolerance=1e-9):
    """Sentences on what differs between two relations' names; doubles within a tolerance, relative
    above one and absolute below: averages are taken of values with nine places."""
    found = []
    kinds = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {want}").fetchall()}
    there = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {have}").fetchall()]
    for name in set(kinds) ^ set(there):
        found.append(f"{want}: the column {name} is {'missing' if name in kinds else 'not expected'}")
    counts = [con.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in (want, have)]
    if counts[0] != counts[1]:
        found.append(f"{want}: {counts[1]} rows, not {counts[0]}")
    if counts[0] == 0:
        found.append(f"{want}: no row to compare")
    on = " AND ".join(f'a."{name}" IS NOT DISTINCT FROM b."{name}"' for name in key.split())
    alone = con.execute(f"SELECT count(*) FILTER (b._there IS NULL), count(*) FILTER (a._there IS NULL), count(*) FROM "
                        f"(SELECT *, 1 AS _there FROM {want}) a FULL JOIN (SELECT *, 1 AS _there FROM {have}) b ON {on}").fetchone()
    if alone[:2] != (0, 0) or alone[2] != counts[0]:
        found.append(f"{want}: {alone[0]} keys are missing, {alone[1]} not expected, {alone[2]} pairs for {counts[0]} rows")
    for name, kind in kinds.items():
        if name not in there:
            continue
        a, b = f'a."{name}"', f'b."{name}"'
        same = f"{a} IS NOT DISTINCT FROM {b}"
        if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
            same = f"coalesce(abs({a} - {b}) <= {tolerance} * greatest(abs({a}), abs({b}), 1), {a} IS NULL AND {b} IS NULL)"
        rows = con.execute(f"SELECT CAST({a} AS VARCHAR), CAST({b} AS VARCHAR) FROM {want} a JOIN {have} b ON {on} WHERE NOT ({same})").fetchall()
        if rows:
            found.append(f"{want}.{name}: {len(rows)} values differ, such as {rows[0][1]!r}, not {rows[0][0]!r}")
    return found
