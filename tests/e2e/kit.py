"""Projects for the end-to-end tests: made once, copied for each test, looked at from outside."""
import atexit
import base64
import collections
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import check_tables  # noqa: E402  (the independent reader of the tables)

ECLUSE = os.environ.get("ECLUSE") or os.path.normpath(os.path.join(HERE, "..", "..", "build", "ecluse"))
AS_OF = "2025-07-19"  # the day after the last of a generated shop
SECONDS_MAX = 300  # a guard against what hangs
SOURCES = ("api_logs", "sessions", "products", "users", "sales")
MODELS = ("api_logs_kpi", "sessions_kpi", "products_kpi", "users_kpi", "sales_kpi", "funnel_daily",
          "api_latency_daily", "sessions_hourly", "combined_sessions")

Result = collections.namedtuple("Result", "code out err")


def memory_folder():
    """A folder in memory where there is room: hundreds of small runs need not wait for a disk's fsync."""
    try:
        space = os.statvfs("/dev/shm")
    except OSError:
        return None
    there = os.access("/dev/shm", os.W_OK) and space.f_bavail * space.f_frsize > 2 << 30
    return "/dev/shm" if there and "TMPDIR" not in os.environ else None


scratch = tempfile.mkdtemp(prefix="ecluse-e2e-", dir=memory_folder())
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
made = {}  # what is made once per program


def environment(**more):
    kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


def call(*arguments, cwd=None, env=None, stdin=None):
    done = subprocess.run([ECLUSE, *arguments], cwd=cwd or scratch, env=env or environment(), input=stdin or b"",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS_MAX, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


class Unexpected(AssertionError):
    pass


class Project:
    def __init__(self, folder):
        self.folder = folder

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def call(self, *arguments, code=0, **more):
        """Runs a command; another exit code than expected is shown with all that was printed."""
        result = call("-C", self.folder, *arguments, **more)
        if code is not None and result.code != code:
            raise Unexpected(f"{' '.join(arguments)} ended with {result.code}, not {code}\n{result.out}\n{result.err}")
        return result

    def run(self, *arguments, code=0, **more):
        return self.call("run", "--as-of", AS_OF, *arguments, code=code, **more)

    def json(self, *arguments, code=0):
        return json.loads(self.call(*arguments, "--format", "json", code=code).out)

    def copy(self):
        folder = tempfile.mkdtemp(dir=scratch)
        subprocess.run(["cp", "-a", "--reflink=auto", f"{self.folder}/.", folder], check=True)
        return Project(folder)

    def write(self, name, data, mode="wb"):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode) as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def edit(self, name, old, new):
        text = self.read(name).decode()
        if old not in text:
            raise Unexpected(f"{name} does not hold {old!r}")
        self.write(name, text.replace(old, new, 1))

    def report(self, name):
        return json.loads(self.read(f"data/quality/validation_report_{name}.json"))

    def quarantine(self, source, name):
        path = f"data/quality/quarantine/{source}/{name}.jsonl"
        return [json.loads(line) for line in self.read(path).splitlines()] if os.path.exists(self.path(path)) else []

    def table_folder(self, name):
        layer = "enriched" if name not in MODELS else "joined" if name == "combined_sessions" else "kpi"
        return self.path("data/processed", layer, name)


def new_project(**files):
    """A project as `init` writes it, without any raw file, and what is given into data/raw."""
    if "empty" not in made:
        folder = tempfile.mkdtemp(dir=scratch)
        call("init", folder)
        os.makedirs(os.path.join(folder, "data", "raw"), exist_ok=True)
        made["empty"] = Project(folder)
    project = made["empty"].copy()
    for name, data in files.items():
        project.write(os.path.join("data/raw", name), data)
    return project


def shop(size="3MB", days=8):
    """A generated shop before its first run, made once: copy it before it is changed."""
    if (size, days) not in made:
        project = new_project()
        result = call("generate", project.path("data/raw"), "--size", size, "--days", str(days), "--seed", "7", "--defects", "0.01")
        if result.code != 0:
            raise Unexpected(result.err)
        made[size, days] = project
    return made[size, days]


def truth(project):
    name = next(name for name in ("truth.json", ".truth.json") if os.path.exists(project.path("data/raw", name)))
    return json.loads(project.read(os.path.join("data/raw", name)))


def small_shop():
    """Ten files of all sources, for what needs many runs. A single bad row of its catalogue is many percent."""
    if "small" not in made:
        made["small"] = shop("200KB", 2).copy()
        made["small"].edit("config/quality_thresholds.yaml", "products: 95", "products: 80")
    return made["small"]


def finished(shop_of, *arguments):
    """The same after one run, without an archive; copy it before it is changed."""
    if (shop_of, arguments) not in made:
        project = shop_of().copy()
        project.run("--no-archive", *arguments)
        made[shop_of, arguments] = project
    return made[shop_of, arguments]


# ---------------------------------------------------------------- looking at it


def tree(folder):
    """{relative path: SHA-256} of every file."""
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def check_project(project):
    """What the independent checker finds wrong with the project's tables: sentences."""
    con = duckdb.connect()
    tables = check_tables.find_tables(project.folder)
    found = [] if tables else ["there is no table"]
    for path in tables:
        problems, _ = check_tables.check_table(con, path)
        found += [f"{os.path.basename(path)}: {problem}" for problem in problems]
    return found


def load(con, project, name, into):
    """The table's rows as a temporary table of DuckDB; datetimes as TIMESTAMP in UTC."""
    con.execute("SET TimeZone = 'UTC'")
    rows = check_tables.read_table(con, project.table_folder(name))  # noqa: F841  (DuckDB finds it by name)
    columns = ", ".join(f"\"{column}\" AT TIME ZONE 'UTC' AS \"{column}\"" if "TIME ZONE" in str(kind) else f'"{column}"'
                        for column, kind in zip(rows.columns, rows.types))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT {columns} FROM rows")


def raw_of(entry):
    """The original bytes of a line of quarantine."""
    return entry["raw"].encode() if "raw" in entry else base64.b64decode(entry["raw_base64"])


def digests(project, ignore=()):
    """{table: (rows, sum of their hashes)}: the same for the same rows in any order and number of parts."""
    con, found = duckdb.connect(), {}
    con.execute("SET TimeZone = 'UTC'")
    for path in check_tables.find_tables(project.folder):
        rows = check_tables.read_table(con, path)
        columns = ", ".join(f'"{name}"' for name in rows.columns if name not in ignore)
        found[os.path.basename(path)] = con.execute(f"SELECT count(*), sum(CAST(hash({columns}) AS HUGEINT)) FROM rows").fetchone()
    return found


def table_rows(project, name, columns="*"):
    con = duckdb.connect()
    load(con, project, name, "t")
    return con.execute(f"SELECT {columns} FROM t ORDER BY ALL").fetchall()


def csv_text(header, *rows):
    return "".join(",".join(map(str, row)) + "\n" for row in (header.split(), *rows))


SALES_HEADER = "order_id order_date user_id session_id product_id quantity unit_price discount total_amount payment_method status"


def sale(number, **changes):
    row = dict(zip(SALES_HEADER.split(), (f"O{number}", "2025-07-18 10:00:00", "U1", "S1", "P1", 2, "10.00", "0.00", "20.00", "card", "delivered")))
    row.update(changes)
    return tuple(row.values())


def sales_csv(*numbers):
    return csv_text(SALES_HEADER, *(sale(number) for number in numbers))
