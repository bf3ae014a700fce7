#!/usr/bin/env python3
"""The job of the sample project as a pandas script, of the kind that Écluse replaces: each file is read whole, each
row checked by Python functions that a schema and a list of rules name, the good ones become data frames, KPIs are
groupbys, the joined sessions a merge, and everything is written by to_csv.

    pandas_job.py RAW OUT [--as-of DAY]

It is written with care (records as tuples, no iterrows, no apply over rows), but it keeps whole tables in memory and
runs on one core, as such scripts do.
"""
import argparse
import datetime
import gzip
import json
import math
import os
import re
import zipfile

import numpy as np
import pandas as pd

INTEGER = re.compile(r"[+-]?\d+")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "t": True, "f": False, "y": True, "n": False}


# ---------------------------------------------------------------- values: a typed one, or ValueError


def to_text(value):
    return value if isinstance(value, str) else json.dumps(value)


def to_integer(value):
    if isinstance(value, bool):
        raise ValueError
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)
    raise ValueError


def to_float(value):
    if isinstance(value, (bool, dict, list)):
        raise ValueError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def to_boolean(value):
    if isinstance(value, bool):
        return value
    try:
        return BOOLEANS[str(value).lower()]
    except KeyError:
        raise ValueError from None


def to_datetime(value):
    if not isinstance(value, datetime.datetime):
        value = datetime.datetime.fromisoformat(value)
    return value.astimezone(datetime.timezone.utc).replace(tzinfo=None) if value.tzinfo else value


T, I, F, B, D = to_text, to_integer, to_float, to_boolean, to_datetime
DTYPES = {I: "Int64", B: "boolean", D: "datetime64[us]", F: "float64", T: "object"}


def between(low, high):
    return lambda value: low <= value <= high


def at_least(low):
    return lambda value: value >= low


def one_of(*values):
    return lambda value: value in values


def none_of(*values):
    return lambda value: value not in values


def ends_after_start(row):
    return row["end_time"] is None or row["start_time"] is None or row["end_time"] >= row["start_time"]


def is_short(row):
    return row["end_time"] is None or row["start_time"] is None or int((row["end_time"] - row["start_time"]).total_seconds()) / 60 <= 360


def total_matches(row):
    cells = [row[name] for name in ("total_amount", "quantity", "unit_price", "discount")]
    return None in cells or abs(cells[0] - cells[1] * cells[2] * (1 - cells[3])) < 0.011


class Source:
    def __init__(self, key, columns, required, rules, row_rules=()):
        self.key, self.columns, self.required, self.row_rules = key, columns, set(required.split()), row_rules
        self.rules = {}
        for column, name, rule in rules:
            self.rules.setdefault(column, []).append((f"{column}.{name}", rule))


SOURCES = {
    "api_logs": Source(
        "request_id",
        dict(timestamp=D, request_id=T, user_id=T, session_id=T, endpoint=T, method=T, status_code=I, response_time_ms=F,
             payload_size_bytes=I, cache_hit=B, country_code=T, ip_address=T, user_agent=T),
        "timestamp request_id session_id endpoint method status_code",
        [("status_code", "allowed_range", between(100, 599)), ("response_time_ms", "max_value", lambda value: value <= 10000),
         ("method", "allowed_values", one_of("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")),
         ("country_code", "not_allowed_values", none_of(""))]),
    "sessions": Source(
        "session_id",
        dict(session_id=T, user_id=T, start_time=D, end_time=D, pages_visited=I, products_viewed=I, products_added_to_cart=I,
             conversion=B, total_spent=F, bounce_rate=B, device_type=T, browser=T, referrer=T, country=T, city=T),
        "session_id start_time end_time",
        [(name, "min_value", at_least(0)) for name in ("pages_visited", "products_added_to_cart", "total_spent")],
        [("end_time.min_value", ends_after_start), ("duration_min.max_value", is_short)]),
    "sales": Source(
        "order_id",
        dict(order_id=T, order_date=D, user_id=T, session_id=T, product_id=T, quantity=I, unit_price=F, discount=F,
             total_amount=F, payment_method=T, status=T),
        "order_id order_date product_id quantity unit_price",
        [("quantity", "min_value", at_least(1)), ("unit_price", "min_value", at_least(0)), ("discount", "allowed_range", between(0, 1))],
        [("total_matches", total_matches)]),
    "users": Source(
        "user_id",
        dict(user_id=T, email=T, first_name=T, last_name=T, age=I, gender=T, country=T, city=T, registration_date=D, is_premium=B,
             total_orders=I, total_spent=F, last_login=D),
        "user_id registration_date last_login",
        [("age", "allowed_range", between(16, 100)), ("total_orders", "min_value", at_least(0)), ("total_spent", "min_value", at_least(0)),
         ("gender", "allowed_values", one_of("M", "F", "O")),
         ("email", "not_allowed_values", none_of("admin@example.com", "root@example.org"))]),
    "products": Source(
        "product_id",
        dict(product_id=T, name=T, category=T, price=F, cost=F, stock=I, brand=T, created_at=D, is_active=B, rating=F, review_count=I),
        "product_id price stock",
        [(name, "min_value", at_least(0)) for name in ("price", "cost", "stock", "review_count")]
        + [("rating", "allowed_range", between(0, 5))]),
}


# ---------------------------------------------------------------- reading and checking


def read_json(data):
    text = gzip.decompress(data).decode()
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]


def read_csv(path):
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def read_workbook(path):
    frame = pd.read_excel(path, dtype=object)
    return frame.where(frame.notna(), None).to_dict("records")


def files_of(raw, source):
    """(name, rows) of each file of the source, in the order of their names."""
    if source == "api_logs":
        with zipfile.ZipFile(os.path.join(raw, "api_logs.zip")) as archive:
            for name in sorted(archive.namelist()):
                yield name, read_json(archive.read(name))
        return
    folder = os.path.join(raw, "user_sessions") if source == "sessions" else raw
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.startswith(source) and name.endswith(".csv"):
            yield name, read_csv(path)
        elif name.startswith(source) and name.endswith(".xlsx"):
            yield name, read_workbook(path)


def check(source, record):
    """The typed row, and all reasons against it."""
    row, reasons = {}, []
    for column, convert in source.columns.items():
        value = record.get(column)
        if value is None:
            row[column] = None
            if column in source.required:
                reasons.append(f"{column}.not_null")
            continue
        try:
            row[column] = value = convert(value)
        except ValueError:
            row[column] = None
            reasons.append(f"{column}.type")
            continue
        for name, rule in source.rules.get(column, ()):
            if not rule(value):
                reasons.append(name)
    for name, rule in source.row_rules:
        if not rule(row):
            reasons.append(name)
    return row, reasons


def load(raw, out, name):
    """The accepted rows of a source; what is not accepted goes to quarantine and is counted by file."""
    source, good, where, quality = SOURCES[name], [], [], {}
    with open(os.path.join(out, "quarantine", f"{name}.jsonl"), "w", encoding="utf-8") as quarantine:
        for file, records in files_of(raw, name):
            reasons_of_file, rejected = {}, 0
            for number, record in enumerate(records):
                row, reasons = check(source, record)
                if not reasons:
                    good.append(tuple(row.values()))
                    where.append((file, number))
                    continue
                rejected += 1
                for reason in reasons:
                    reasons_of_file[reason] = reasons_of_file.get(reason, 0) + 1
                quarantine.write(json.dumps({"file": file, "row": number, "reasons": reasons, "raw": record}, default=str) + "\n")
            filled = sum(value is not None for record in records for value in record.values())
            quality[file] = {"source": name, "file": file, "read": len(records), "rejected": rejected, "duplicate": 0,
                             "completeness": 100 * filled / (len(records) * len(source.columns)), "by_reason": reasons_of_file}
        frame = pd.DataFrame(good, columns=list(source.columns)).astype({column: DTYPES[kind] for column, kind in source.columns.items()})
        frame["_file"], frame["_row"] = zip(*where)
        again = frame.duplicated(source.key, keep="first")
        for record in frame[again].to_dict("records"):
            quality[record["_file"]]["duplicate"] += 1
            counts = quality[record["_file"]]["by_reason"]
            counts["duplicate-key"] = counts.get("duplicate-key", 0) + 1
            quarantine.write(json.dumps({"file": record["_file"], "row": record["_row"], "reasons": ["duplicate-key"], "raw": record}, default=str) + "\n")
    with open(os.path.join(out, "quality.json"), "a", encoding="utf-8") as file:
        for entry in quality.values():
            file.write(json.dumps(entry) + "\n")
    return frame[~again].reset_index(drop=True)


# ---------------------------------------------------------------- derived columns


def in_cents(values):
    """Halves up; numpy's own rounding takes them to the even neighbour."""
    return np.floor(values * 100 + 0.5) / 100


def has(column, word):
    return column.str.contains(word, regex=False, na=False)


def derive_logs(logs):
    e = logs["endpoint"]
    logs["date"] = logs["timestamp"].dt.normalize()
    logs["category"] = np.select([has(e, "/checkout"), has(e, "/cart"), has(e, "/categories"), has(e, "/login") | has(e, "/auth"), has(e, "/products")],
                                 ["checkout", "cart", "catalog", "auth", "product"], "other")


def derive_sessions(sessions):
    r = sessions["referrer"]
    sessions["date"] = sessions["start_time"].dt.normalize()
    sessions["duration_min"] = (sessions["end_time"] - sessions["start_time"]).dt.total_seconds() / 60
    sessions["traffic_source"] = np.select([r.isna(), has(r, "ads"), has(r, "facebook") | has(r, "social"), has(r, "direct")],
                                           ["unknown", "ads", "social", "direct"], "other")
    sessions["device_category"] = sessions["device_type"].where(sessions["device_type"].isin(["desktop", "tablet", "mobile"]), "unknown")
    sessions["is_bounce"], sessions["is_conversion"] = sessions["bounce_rate"], sessions["conversion"]
    sessions["abandoned_cart"] = (sessions["products_added_to_cart"] > 0) & ~sessions["conversion"]


def derive_products(products, as_of):
    p, c = products["price"], products["cost"]
    products["date"] = products["created_at"].dt.normalize()
    products["margin"] = p - c
    products["margin_pct"] = (100.0 * (p - c) / p).where(p > 0)
    products["markup_pct"] = (100.0 * (p - c) / c).where(c > 0)
    products["stock_status"] = np.select([products["stock"] <= 10, products["stock"] <= 100], ["low", "medium"], "high")
    products["is_new"] = ((as_of - products["date"]).dt.days <= 30).astype("boolean").where(products["date"].notna())


def derive_users(users, as_of):
    premium = users["is_premium"].fillna(False)
    users["customer_type"] = np.select([premium, (users["total_orders"] == 0).fillna(False)], ["premium", "new"], "returning")
    users["loyalty_score"] = in_cents(1.5 * users["total_orders"].astype("float64") + 0.05 * users["total_spent"] + 10 * users["is_premium"].astype("float64"))
    users["days_since_last_login"] = (as_of - users["last_login"].dt.normalize()).dt.days


def derive_sales(sales):
    sales["date"] = sales["order_date"].dt.normalize()
    sales["net_amount"] = in_cents(sales["quantity"].astype("float64") * sales["unit_price"] * (1 - sales["discount"].fillna(0)))


# ---------------------------------------------------------------- KPIs


def grouped(frame, *by):
    return frame.groupby(list(by), dropna=False, sort=False)


def logs_kpi(logs):
    logs = logs.assign(nb_4xx=logs["status_code"].between(400, 499), nb_5xx=logs["status_code"].between(500, 599))
    groups = grouped(logs, "date", "category", "method", "country_code")
    kpi = groups.agg(count_requests=("request_id", "size"), avg_response_time_ms=("response_time_ms", "mean"),
                     avg_payload_bytes=("payload_size_bytes", "mean"), nb_cache_hits=("cache_hit", "sum"), nb_4xx=("nb_4xx", "sum"), nb_5xx=("nb_5xx", "sum"))
    for percent in (50, 95, 99):  # as arrays: an index with null countries would not be aligned
        kpi[f"p{percent}_response_time_ms"] = groups["response_time_ms"].quantile(percent / 100).to_numpy()
    return kpi.reset_index()


def sessions_kpi(sessions):
    return grouped(sessions, "date", "device_type", "browser", "referrer", "country", "city", "conversion").agg(
        nb_sessions=("session_id", "size"), avg_duration_min=("duration_min", "mean"), avg_pages_visited=("pages_visited", "mean"),
        avg_products_viewed=("products_viewed", "mean"), avg_products_added=("products_added_to_cart", "mean"),
        conversion_rate=("is_conversion", "mean"), bounce_rate=("is_bounce", "mean"), avg_total_spent=("total_spent", "mean"),
        cart_abandonment_rate=("abandoned_cart", "mean")).reset_index()


def products_kpi(products):
    return grouped(products, "date", "category", "stock_status", "is_active").agg(
        nb_products=("product_id", "size"), avg_price=("price", "mean"), avg_cost=("cost", "mean"), avg_margin_pct=("margin_pct", "mean"),
        avg_rating=("rating", "mean"), avg_review_count=("review_count", "mean")).reset_index()


def users_kpi(users):
    return grouped(users, "country", "customer_type", "is_premium").agg(
        nb_users=("user_id", "size"), avg_age=("age", "mean"), avg_total_orders=("total_orders", "mean"), avg_total_spent=("total_spent", "mean"),
        avg_loyalty_score=("loyalty_score", "mean"), avg_days_since_login=("days_since_last_login", "mean")).reset_index()


def sales_kpi(sales, products):
    joined = sales.merge(products[["product_id", "category", "cost"]], how="left", on="product_id")
    joined["category"] = joined["category"].fillna("unknown")
    joined["margin"] = joined["total_amount"] - joined["quantity"].astype("float64") * joined["cost"]
    groups = grouped(joined, "date", "category", "payment_method", "status")
    kpi = groups.agg(orders=("order_id", "size"), units=("quantity", "sum"), avg_order_value=("total_amount", "mean"))
    kpi[["revenue", "margin"]] = groups[["total_amount", "margin"]].sum(min_count=1)
    return kpi.reset_index()


def funnel_daily(sessions):
    steps = sessions.assign(viewed=sessions["products_viewed"] > 0, carted=sessions["products_added_to_cart"] > 0)
    kpi = grouped(steps, "date", "device_type", "traffic_source").agg(
        sessions=("session_id", "size"), viewed=("viewed", "sum"), carted=("carted", "sum"), converted=("is_conversion", "sum")).reset_index()
    for rate, part, whole in (("view_rate", "viewed", "sessions"), ("cart_rate", "carted", "viewed"), ("checkout_rate", "converted", "carted"),
                              ("conversion_rate", "converted", "sessions")):
        kpi[rate] = kpi[part] / kpi[whole].replace(0, pd.NA)
    return kpi


def combined_sessions(sessions, users, logs):
    """A log line belongs to a session of its user within a day; a null user belongs to none."""
    own = {name: f"{name}_user" for name in ("country", "city", "total_spent", "_file", "_row")}
    wide = sessions.merge(users.rename(columns=own), how="left", on="user_id")
    lines = logs[logs["user_id"].notna()].rename(columns={"date": "date_log", "_file": "_file_log", "_row": "_row_log"})
    dated = lines.merge(sessions[["session_id", "user_id", "date"]], on=["session_id", "user_id"])
    lines = dated[(dated["date_log"] - dated["date"]).abs() <= pd.Timedelta(days=1)].drop(columns="date")
    return wide.merge(lines, how="left", on=["session_id", "user_id"])


# ---------------------------------------------------------------- writing


def write_parts(frame, out, name, column="date"):
    for value, part in frame.groupby(column):
        folder = os.path.join(out, name, f"{value:%Y-%m-%d}")
        os.makedirs(folder)
        part.to_csv(os.path.join(folder, "part.csv"), index=False)


def write_kpi(kpi, out, source, word, by="date"):
    for value, part in kpi.groupby(by):
        text = f"{value:%Y-%m-%d}" if by == "date" else value
        folder = os.path.join(out, source, text)
        os.makedirs(folder)
        part.to_csv(os.path.join(folder, f"{source}_{text}_{word}.csv"), index=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw")
    parser.add_argument("out")
    parser.add_argument("--as-of", default="2025-07-19")
    given = parser.parse_args()
    out, as_of = given.out, pd.Timestamp(given.as_of)
    for folder in ("enriched", "joined", "kpi", "quarantine"):
        os.makedirs(os.path.join(out, folder))
    tables = {name: load(given.raw, out, name) for name in SOURCES}
    logs, sessions, sales, users, products = tables.values()
    derive_logs(logs)
    derive_sessions(sessions)
    derive_products(products, as_of)
    derive_users(users, as_of)
    derive_sales(sales)
    for name, frame in (("api_logs", logs), ("sessions", sessions), ("sales", sales)):
        write_parts(frame, out, f"enriched/{name}")
    for name, frame in (("users", users), ("products", products)):
        frame.to_csv(os.path.join(out, "enriched", f"{name}.csv"), index=False)
    kpis = {"api_logs_kpi": logs_kpi(logs), "sessions_kpi": sessions_kpi(sessions), "products_kpi": products_kpi(products),
            "users_kpi": users_kpi(users), "sales_kpi": sales_kpi(sales, products), "funnel_daily": funnel_daily(sessions)}
    for name, kpi in kpis.items():
        kpi.to_csv(os.path.join(out, "kpi", f"{name}.csv"), index=False)
    write_kpi(kpis["api_logs_kpi"], out, "api_logs", "kpi")
    write_kpi(kpis["sessions_kpi"], out, "sessions", "aggregated")
    write_kpi(kpis["products_kpi"], out, "products", "summary")
    write_kpi(kpis["users_kpi"], out, "users", "summary", "country")
    write_kpi(kpis["sales_kpi"], out, "sales", "kpi")
    write_parts(combined_sessions(sessions, users, logs), out, "joined/combined_sessions")


if __name__ == "__main__":
    main()
