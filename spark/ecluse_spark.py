#!/usr/bin/env python3
"""Écluse on Apache Spark: the job that `ecluse run --engine spark` starts, or spark-submit.

    spark-submit [--master URL …] ecluse_spark.py --ecluse PROGRAM -C PROJECT [options of `ecluse run`]

Starts the driver, which plans, compares keys, decides and commits, and does for it what one machine cannot: runs its
tasks on the executors (RDD.pipe of `ecluse worker`), and computes its models as Spark SQL. docs/spark.md
"""
from __future__ import annotations

import argparse
import datetime
import os
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ecluse_engine.channel import Driver, Request  # noqa: E402
from ecluse_engine.failure import Failure, of_spark  # noqa: E402
from ecluse_engine.session import Session  # noqa: E402

PROTOCOL_VERSION = 1


class Job:
    """Answers the driver's requests until it ends."""

    def __init__(self, driver: Driver, session: Session) -> None:
        self.driver, self.session = driver, session
        self.worker: list[str] = []
        self.models: Any = None
        self.exchange: Any = None  # where the executors do not see the project's folder
        self.rounds = 0

    def begin(self, request: Request) -> None:
        try:
            from ecluse_engine.exchange import find_exchange
            from ecluse_engine.models import Models
        except ImportError as error:
            raise Failure("engine", f"{error.name} is not installed: pip install -r spark/requirements.txt, or PYSPARK_PYTHON "
                                    "names an interpreter that has it") from error
        day = datetime.date(1970, 1, 1) + datetime.timedelta(days=request["as_of"])
        self.worker = request["worker"]
        self.models = Models({**request, "run_date": day.isoformat()})
        self.models.translate()
        self.models.check(self.session.get())
        self.exchange = find_exchange(self.session, request)
        if self.exchange is None:
            self.driver.say({"ready": True, "puts": True})
            return
        if request["models"]:
            self.exchange.check_models()
        self.driver.say({"ready": True, "exchange": self.exchange.address})  # whose executors have no part to put

    def tasks(self, lines: list[Request]) -> None:
        from ecluse_engine.tasks import Round

        self.rounds += 1
        one = Round(self.session, self.worker, lines, self.rounds, lambda done, of: self.driver.say({"progress": [done, of]}))
        for line in one.run_over(self.exchange) if self.exchange else one.run():
            self.driver.say_line(line)

    def compute(self, lines: list[Request]) -> None:
        for name in self.models.compute(self.session.get(), lines, self.exchange):
            self.driver.say({"model": name})

    def put(self, lines: list[Request]) -> None:
        from ecluse_engine.puts import put

        for line in put(self.session, self.worker, lines):
            self.driver.say_line(line)

    def answer(self, request: Request, lines: list[Request]) -> None:
        if request.get("v") != PROTOCOL_VERSION:
            raise Failure("protocol", "the driver and this job are of different versions")
        act = {"begin": lambda: self.begin(request), "tasks": lambda: self.tasks(lines), "models": lambda: self.compute(lines),
               "put": lambda: self.put(lines)}
        act[request["ask"]]()

    def run(self) -> int:
        self.driver.forward_signals()
        self.driver.when_it_ends(self.session.cancel)
        for request, lines in self.driver.requests():
            try:
                self.answer(request, lines)
            except Failure as failure:
                self.driver.fail(failure)
            except Exception as error:
                self.driver.fail(of_spark(error, f"the Spark job failed at `{request.get('ask')}`"))
        return self.driver.exit_code()


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(prog="ecluse_spark.py", allow_abbrev=False, description=(__doc__ or "").split("\n")[0],
                                     epilog="All other options are those of `ecluse run`.")
    parser.add_argument("--ecluse", default=os.environ.get("ECLUSE", "ecluse"), metavar="PROGRAM", help="the program (default: $ECLUSE)")
    parser.add_argument("-C", dest="project", default=".", metavar="DIR", help="the project's folder")
    parser.add_argument("--master", metavar="URL", help="of Spark (default: as spark-submit or spark-defaults.conf have it)")
    parser.add_argument("--conf", action="append", default=[], metavar="KEY=VALUE", help="a setting of Spark")
    return parser.parse_known_args(arguments)


def main(arguments: list[str]) -> int:
    options, rest = parse(arguments)
    conf = dict(setting.split("=", 1) for setting in options.conf if "=" in setting)
    project = os.path.realpath(options.project)
    session = Session(project, options.ecluse, options.master, conf, "--verbose" in rest)
    try:
        job = Job(Driver(options.ecluse, project, rest), session)
        return job.run()
    except Failure as failure:
        print(f"error [{failure.code}]: {failure.message}", file=sys.stderr)
        return 2 if failure.code == "usage" else 3
    finally:
        session.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
