"""Looks at a project from outside, sharing nothing with the program: is every accepted row there exactly once?

`truth()` says from the drops alone which keys a right pipeline accepts. `Looker` compares a project with one whose runs
nothing disturbed, which itself was held against the truth."""
import collections
import csv
import glob
import gzip
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import check_tables  # noqa: E402
import duckdb  # noqa: E402

PLACES = ("_file", "_line")  # where a row came from, which of two equal rows was first decides
HIDDEN = re.compile(r"_delta_log/\.\S*\.tmp: does not belong into a log")  # no reader looks at it, the next run removes it
UNSTABLE = re.compile(r"^(run|validated_at|started_at|finished_at)$")


# ---------------------------------------------------------------- the truth


def records(name, data):
    """(source, records in their order) of a raw file, by Python's own readers."""
    if name.endswith(".csv"):
        text = data if isinstance(data, str) else data.decode()
        return name.split("_", maxsplit=1)[0], list(csv.DictReader(io.StringIO(text)))
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "logs", [record for member in sorted(archive.namelist()) for record in json.loads(gzip.decompress(archive.read(member)))]
    if name.startswith("events_"):
        return "events", [json.loads(line) for line in data.splitlines()]
    return "logs", json.loads(gzip.decompress(data))


def is_good(source, record, quantity_min):
    if source == "sales":
        return re.match(r"\d{4}-", record["order_date"]) is not None and int(record["quantity"]) >= quantity_min
    if source == "users":
        return 16 <= int(record["age"]) <= 100
    if source == "prices":
        return float(record["price"]) >= 0
    return source == "events" or 100 <= record["status_code"] <= 599


def truth(*drops, quantity_min=1):
    """{source: {key: a value that tells its versions apart}}."""
    found = {}
    for files in drops:
        found.pop("prices", None)  # each drop replaces them
        for name in sorted(files):
            source, rows = records(name, files[name])
            key, value = VALUES[source]
            table = found.setdefault(source, {})
            for record in rows:
                if not is_good(source, record, quantity_min):
                    continue
                if source == "users":  # the newest drop wins
                    table[record[key]] = record[value]
                else:  # the first stays
                    table.setdefault(record[key], record.get(value))
    return found


VALUES = {"sales": ("order_id", "total_amount"), "users": ("user_id", "country"), "logs": ("request_id", "endpoint"),
          "prices": ("sku", "price"), "events": ("event_id", "coupon")}


# ---------------------------------------------------------------- a project


def stable(value):
    """What a repeated run may write otherwise is left out."""
    if isinstance(value, dict):
        return {key: stable(item) for key, item in value.items() if not UNSTABLE.match(key)}
    return [stable(item) for item in value] if isinstance(value, list) else value


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


class Looker:
    """Remembers what it has read by content: most of a thousand projects are the same bytes."""

    def __init__(self):
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'")
        self.con.execute("SET threads = 1")
        self.parts = {}  # check_tables: what is wrong with a part
        self.rows = {}  # content of a part -> (columns, rows)
        self.tars = {}  # content of an archive -> {name: digest}
        self.csvs = {}

    # ---- tables

    def rows_of_part(self, path):
        content = digest(path)
        if content not in self.rows:
            found = self.con.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet([{check_tables.literal(path)}], hive_partitioning=false)")
            names = [column[0] for column in found.description]
            self.rows[content] = names, found.fetchall()
        return self.rows[content]

    def rows_of_table(self, path, places):
        """Every row and how often it is there, as (column, value) pairs."""
        table, found = check_tables.replay(path), collections.Counter()
        for full, partition, _ in check_tables.files_of(table):
            names, rows = self.rows_of_part(full)
            kept = [i for i, name in enumerate(names) if places or name not in PLACES]
            for row in rows:
                found[(partition, *((names[i], row[i]) for i in kept))] += 1
        return found

    def tables(self, project, whole=True, tidy=True):
        """What is wrong with the tables by themselves. Without `whole`: what a reader would stumble over at this moment."""
        problems = []
        for path in check_tables.find_tables(project):
            log = os.path.join(path, check_tables.LOG)
            committed = os.path.isdir(log) and any(re.fullmatch(r"\d{20}\.json", name) for name in os.listdir(log))
            if not whole and not committed:
                continue
            found, _ = check_tables.check_table(self.con, path, self.parts, whole)
            if not whole or not tidy:
                found = [text for text in found if not HIDDEN.search(text)]
            problems += [f"{os.path.basename(path)}: {text}" for text in found]
        return problems

    def contents(self, project, places):
        return {os.path.basename(path): self.rows_of_table(path, places) for path in check_tables.find_tables(project)}

    def against_truth(self, project, wanted):
        """The sources' tables against what Python makes of the drops."""
        problems = []
        for name, keys in wanted.items():
            column, value = VALUES[name]
            found = collections.Counter()
            for row, times in self.rows_of_table(os.path.join(project, "data/processed/enriched", name), False).items():
                cells = dict(row[1:])
                found[str(cells[column]), str(cells.get(value))] += times
            if found != collections.Counter({(key, str(text)): 1 for key, text in keys.items()}):
                problems.append(f"{name}: {sorted(found.items())} is not what was dropped: {sorted(keys.items())}")
        return problems

    # ---- everything else

    def archives(self, project):
        """{archive: {name: digest}}; a damaged one raises."""
        found = {}
        for path in glob.glob(os.path.join(project, "data/archive/*.tar.gz")):
            content = digest(path)
            if content not in self.tars:
                with tarfile.open(path) as tar:
                    self.tars[content] = {member.name: hashlib.sha256(tar.extractfile(member).read()).digest() for member in tar if member.isfile()}
            found[os.path.basename(path)] = self.tars[content]
        return found

    def raw_files(self, project, drops):
        """No raw file is gone but into an archive."""
        problems, archived = [], set()
        try:
            for names in self.archives(project).values():
                archived |= {(name, content) for name, content in names.items() if name.startswith("data/raw/")}
        except (tarfile.TarError, OSError, EOFError) as problem:
            problems.append(f"an archive cannot be read: {problem!r}")
        for files in drops:
            for name, data in files.items():
                content = hashlib.sha256(data if isinstance(data, bytes) else data.encode()).digest()
                path = os.path.join(project, "data/raw", name)
                if not (os.path.isfile(path) and digest(path) == content) and (f"data/raw/{name}", content) not in archived:
                    problems.append(f"the raw file {name} is neither there nor in an archive")
        return problems

    def runs(self, project):
        """Every manifest is finished, its commits are in the logs, its archive is there once."""
        problems, archives = [], self.archives(project).values()
        for path in sorted(glob.glob(os.path.join(project, "data/runs/*.json"))):
            if not re.fullmatch(r"\d{8}\.json", os.path.basename(path)):
                continue
            with open(path, encoding="utf-8") as file:
                manifest = json.load(file)
            if not os.path.exists(path[:-5] + ".finished"):
                problems.append(f"run {manifest['seq']} is not finished")
            for commit in manifest["commits"]:
                if manifest["seq"] > max(check_tables.replay(os.path.join(project, commit["table"])).txn.values(), default=-1):
                    problems.append(f"run {manifest['seq']} was not committed to {commit['table']}")
            kept = sum(f"data/runs/{manifest['seq']:08d}.json" in names for names in archives)
            if manifest["archive"] and kept != 1:
                problems.append(f"run {manifest['seq']} is in {kept} archives")
        return problems

    def quarantine(self, project):
        found = {}
        for path in glob.glob(os.path.join(project, "data/quality/quarantine/*/*.jsonl")):
            with open(path, encoding="utf-8") as file:
                found[os.path.relpath(path, project)] = [stable(json.loads(line)) for line in file]
        return found

    def reports(self, project):
        """What each report says of the rows."""
        found = {}
        for path in glob.glob(os.path.join(project, "data/quality/validation_report_*.json")):
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
            found[os.path.basename(path)] = (report["status"], stable(report["rows_detail"]))
        return found

    def history(self, project):
        with open(os.path.join(project, "data/quality/history.jsonl"), encoding="utf-8") as file:
            return collections.Counter((line["path"], line["member"]) for line in map(json.loads, file))

    def alerts(self, project):
        """How many messages were sent; behind a power cut, where we do not know who took what, also those that wait: they are sent
        again. One that waits otherwise, or that is journaled as sent and was not, raises."""
        path = os.path.join(project, "data/quality/alerts.jsonl")
        if not os.path.exists(path):
            return 0
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.startswith("{") and line.endswith("}\n")]
        sent = {line["id"] for line in lines if line["status"] == "sent" and line["type"] != "file"}
        waiting = {os.path.basename(name)[:-5] for name in glob.glob(os.path.join(project, "data/alerts/*.json"))}
        if not os.path.exists(os.path.join(project, "sent")):  # the program that took them syncs nothing
            return len(sent | waiting)
        with open(os.path.join(project, "sent"), encoding="utf-8") as file:
            if set(file.read().split()) != sent:
                raise ValueError(f"not the messages that were taken are journaled as sent: {sent}")
        if waiting - sent:
            raise ValueError(f"messages wait: {waiting - sent}")
        return len(sent)

    def exports(self, project):
        found = {}
        for path in glob.glob(os.path.join(project, "data/processed/*/**/*.csv"), recursive=True):
            with open(path, encoding="utf-8") as file:
                found[os.path.relpath(path, project)] = file.read()
        return found

    def leftovers(self, project):
        staging, problems = os.path.join(project, "data/staging"), []
        if os.path.isdir(staging) and os.listdir(staging):
            problems.append(f"staging holds {os.listdir(staging)}")
        for top, _, names in os.walk(os.path.join(project, "data")):
            problems += [f"{os.path.join(top, name)} is left" for name in names if name.endswith(".tmp") or top.endswith("data/alerts") and name != ".lock"]
        return problems

    def raw_left(self, project):
        return sorted(os.listdir(os.path.join(project, "data/raw")))

    def all_of(self, project):
        """What a finished project is compared by."""
        return {"tables": self.contents(project, True), "tables without places": self.contents(project, False),
                "quarantine": self.quarantine(project), "reports": self.reports(project), "history": self.history(project),
                "exports": self.exports(project), "raw": self.raw_left(project), "alerts": self.alerts(project)}

    def compare(self, project, wanted, drops, strict=True, tidy=True):
        """What is wrong with a project that should be as if nothing had happened. Where a file was read a run later than the
        others (not strict), which of two equal rows was first is another, and so are the words on it. Behind a
        power cut, or a removal that failed, staging and temporary files may be there (not tidy), for the next run to remove."""
        try:
            problems = self.tables(project, tidy=tidy) + self.raw_files(project, drops) + self.runs(project)
            problems += self.leftovers(project) if tidy else []
            if problems:
                return problems
            names = list(wanted) if strict else ["tables without places", "exports"]
            found = {"tables": lambda: self.contents(project, True), "tables without places": lambda: self.contents(project, False),
                     "quarantine": lambda: self.quarantine(project), "reports": lambda: self.reports(project),
                     "history": lambda: self.history(project), "exports": lambda: self.exports(project), "raw": lambda: self.raw_left(project), "alerts": lambda: self.alerts(project)}
            for name in names:
                have = found[name]()
                if have != wanted[name]:
                    problems.append(f"{name}: {difference(have, wanted[name])}")
        except (OSError, ValueError, KeyError, TypeError, check_tables.Violation, duckdb.Error, tarfile.TarError, EOFError) as problem:
            return [f"it cannot be read: {problem!r}"]
        return problems


def difference(have, wanted):
    if isinstance(have, dict) and isinstance(wanted, dict):
        for key in list(wanted) + list(have):
            if have.get(key) != wanted.get(key):
                return f"{key}: {difference(have.get(key), wanted.get(key))}"
    return f"{str(have)[:300]} instead of {str(wanted)[:300]}"
