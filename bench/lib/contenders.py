"""The contenders: how each is started, on outputs of its own that are fresh each time."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.path.normpath(os.path.join(HERE, ".."))
ROOT = os.path.normpath(os.path.join(BENCH, ".."))
DISK_RESERVE = 16 << 30  # bytes that discarded outputs leave free
AS_OF = "2025-07-19"  # the day after the last of a generated shop


class Place:
    """The folder of a benchmark, its tools and its shops."""

    def __init__(self, folder, build, jobs, duckdb):
        self.folder, self.build, self.jobs, self.duckdb = os.path.abspath(folder), os.path.abspath(build), jobs, duckdb
        self.ecluse, self.floor = (os.path.join(self.build, name) for name in ("ecluse", "ecluse_floor"))
        self.log = os.path.join(self.folder, "log")
        self.python = sys.executable
        os.makedirs(self.folder, exist_ok=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def discard(self, path):
        """Puts outputs out of the way without removing them.

        ext4 without a journal passes over the inodes that were removed in the last minutes, one by one, for every file
        that is made: a round would pay for the files of the one before it, the more of them the more it makes. What was
        discarded goes by empty(), when nothing is measured any more, or at once where the disk has no room for it."""
        if not os.path.lexists(path):
            return
        away = self.path("discarded")
        os.makedirs(away, exist_ok=True)
        os.rename(path, os.path.join(away, f"{time.monotonic_ns()}-{os.path.basename(path)}"))
        if shutil.disk_usage(self.folder).free < DISK_RESERVE:
            self.empty()

    def empty(self):
        shutil.rmtree(self.path("discarded"), ignore_errors=True)

    def call(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise measure.Failed(f"{' '.join(command)} ended with status {done.returncode}\n{done.stderr.decode()[-3000:]}")
        return done.stdout.decode()

    def install_python(self):
        """The peers' packages, in versions that requirements.txt pins; made again only when it changes."""
        with open(os.path.join(BENCH, "requirements.txt"), encoding="utf-8") as file:
            lines = [f"duckdb=={self.duckdb}" if self.duckdb and line.startswith("duckdb==") else line.strip() for line in file]
        wanted = hashlib.sha256("\n".join([sys.version, *lines]).encode()).hexdigest()
        venv = os.path.join(self.build, "bench", "venv" + (f"-{self.duckdb}" if self.duckdb else ""))
        self.python, stamp = os.path.join(venv, "bin", "python"), os.path.join(venv, "requirements.sha256")
        if os.path.isfile(stamp):
            with open(stamp, encoding="utf-8") as file:
                if file.read() == wanted:
                    return
        os.makedirs(os.path.dirname(venv), exist_ok=True)
        self.call(sys.executable, "-m", "venv", "--clear", venv)
        self.call(self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
                  *[line for line in lines if line and not line.startswith("#")])
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)

    def shop(self, size, days=None):
        """A shop of that size with defects that every contender can digest, made once."""
        shop = Shop(self.path(f"shop-{size}" + (f"-{days}days" if days else "")))
        if not os.path.isfile(os.path.join(shop.folder, "shop.json")):
            shutil.rmtree(shop.folder, ignore_errors=True)
            more = ("--days", str(days)) if days else ()
            told = self.call(self.ecluse, "generate", shop.raw, "--size", size, "--kinds", "values", "--format", "json", *more)
            with open(os.path.join(shop.folder, "shop.json"), "w", encoding="utf-8") as file:
                file.write(told)
        shop.load()
        return shop


class Shop:
    def __init__(self, folder):
        self.folder, self.raw = folder, os.path.join(folder, "raw")
        self.bytes = self.rows = 0
        self.sources = {}

    def load(self):
        with open(os.path.join(self.folder, "shop.json"), encoding="utf-8") as file:
            told = json.load(file)
        self.bytes, self.rows, self.sources = told["bytes_decoded"], told["rows"], told["sources"]

    def warm(self):
        """Into the page cache, so that the first contender does not read from the disk for the others."""
        for folder, _, names in os.walk(self.raw):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    while file.read(1 << 22):
                        pass


def link_tree(source, target):
    """The same files under another folder: links where the file system has them, as nobody writes into raw files."""
    for folder, _, names in os.walk(source):
        to = os.path.join(target, os.path.relpath(folder, source))
        os.makedirs(to, exist_ok=True)
        for name in names:
            if name.startswith("."):
                continue
            try:
                os.link(os.path.join(folder, name), os.path.join(to, name))
            except OSError:
                shutil.copyfile(os.path.join(folder, name), os.path.join(to, name))


class Contender:
    """`prepare` is not timed, `command` is. `answers` is what answers.py calls it, or None."""
    answers = None

    def __init__(self, name, label, place, shop):
        self.name, self.label, self.place, self.shop = name, label, place, shop
        self.out = place.path("out-" + name)

    def prepare(self):
        self.place.discard(self.out)
        os.makedirs(self.out)

    def version(self):
        return ""

    def facts(self):
        return json.loads(self.place.call(self.place.python, "-B", os.path.join(HERE, "answers.py"), self.answers, self.out))

    def clean(self):
        self.place.discard(self.out)


class Ecluse(Contender):
    answers = "ecluse"

    def prepare(self):
        self.place.discard(self.out)
        self.place.call(self.place.ecluse, "init", self.out)
        link_tree(self.shop.raw, os.path.join(self.out, "data", "raw"))

    def command(self):
        return [self.place.ecluse, "-C", self.out, "run", "--jobs", str(self.place.jobs), "--no-archive", "--fail-on", "never", "--as-of", AS_OF]

    def version(self):
        return self.place.call(self.place.ecluse, "--version").strip()


class DuckDB(Contender):
    answers = "duckdb"

    def command(self):
        return [self.place.python, os.path.join(BENCH, "peers", "duckdb_job.py"), self.shop.raw, self.out, "--threads", str(self.place.jobs), "--as-of", AS_OF]

    def version(self):
        return "DuckDB " + self.place.call(self.place.python, "-c", "import duckdb; print(duckdb.__version__)").strip()


class Pandas(Contender):
    answers = "pandas"

    def command(self):
        return [self.place.python, os.path.join(BENCH, "peers", "pandas_job.py"), self.shop.raw, self.out, "--as-of", AS_OF]

    def version(self):
        return "pandas " + self.place.call(self.place.python, "-c", "import pandas; print(pandas.__version__)").strip()


class Floor(Contender):
    def command(self):
        return [self.place.floor, self.shop.raw, "--jobs", str(self.place.jobs)]


def sync():
    """What the one before wrote is on the disk before the next is timed."""
    os.sync()


def timed(contender, memory=False):
    contender.prepare()
    sync()
    return measure.run(contender.command(), contender.place.log, memory)
