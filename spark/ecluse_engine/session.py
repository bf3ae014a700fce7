"""The Spark session of a job: Delta Lake, and the settings on which equal answers hang."""
from __future__ import annotations

import functools
import glob
import os
import re
import secrets
import shlex
import shutil
import tempfile
from typing import TYPE_CHECKING

from . import remote, ship
from .failure import Failure, of_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # SQL sees times in UTC, as DuckDB does.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "snappy",
    # An overflow or a cast that fails is an error, as in DuckDB.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    # Tables of protocol (1,2) alone: what our own reader of logs knows.
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    "spark.databricks.delta.properties.defaults.dataSkippingNumIndexedCols": "-1",
    "spark.databricks.delta.properties.defaults.checkpointInterval": "1000",
    "spark.databricks.delta.properties.defaults.minReaderVersion": "1",
    "spark.databricks.delta.properties.defaults.minWriterVersion": "2",
    # The answers of all tasks come to the driver together.
    "spark.driver.maxResultSize": "0",
}
DEFAULTS = {"spark.ui.showConsoleProgress": "false"}


def _delta_jars() -> list[str]:
    """Where scripts/install-spark puts them: in Spark's own folder of jars."""
    import pyspark

    home = os.environ.get("SPARK_HOME") or os.path.dirname(pyspark.__file__)
    return [path for name in ("delta-spark_*.jar", "delta-storage-*.jar") for path in glob.glob(os.path.join(home, "jars", name))]


def _gives_jars(conf: dict[str, str]) -> bool:
    given = [*conf, *shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))]
    return any(re.match(r"(--packages|--jars|spark\.jars)", word) for word in given)


class Session:
    """Started when it is first needed: a run that has nothing to do pays nothing."""

    def __init__(self, project: str, program: str, master: str | None, conf: dict[str, str], verbose: bool) -> None:
        self.project, self.program, self.master, self.conf, self.verbose = project, program, master, conf, verbose
        self._spark: SparkSession | None = None
        self._folder: str | None = None

    def get(self) -> SparkSession:
        if self._spark is None:
            try:
                self._spark = self._start()
            except Failure:
                raise
            except Exception as error:
                raise of_spark(error, "Spark cannot be started") from error
        return self._spark

    def _start(self) -> SparkSession:
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise Failure("engine", "PySpark is not installed: pip install -r spark/requirements.txt, or PYSPARK_PYTHON "
                                    "names an interpreter that has it") from error
        # A handler of PySpark's own would take Ctrl-C away from the driver, and does not start outside the main thread.
        builder = SparkSession.builder.appName(f"ecluse {os.path.basename(self.project)}")
        if self.master:
            builder = builder.master(self.master)
        for key, value in {**DEFAULTS, **self.conf, **SETTINGS}.items():
            builder = builder.config(key, value)
        if not _gives_jars(self.conf):
            builder = self._with_delta(builder)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("WARN" if self.verbose else "ERROR")
        self._fit_partitions(spark)
        self._ship(spark)
        return spark

    @staticmethod
    def _with_delta(builder: SparkSession.Builder) -> SparkSession.Builder:
        """The executors' Spark may lack the jars that this one has: they get them with the job. Without any, Maven is asked."""
        jars = _delta_jars()
        if jars:
            return builder.config("spark.jars", ",".join(jars))
        from delta import configure_spark_with_delta_pip

        return configure_spark_with_delta_pip(builder)

    @staticmethod
    def _fit_partitions(spark: SparkSession) -> None:
        """To the cluster, where nobody has said how many: a shuffle's, which Spark joins where they are small, and those
        in which Delta reads a log."""
        slots = max(1, spark.sparkContext.defaultParallelism)
        for key, value in (("spark.sql.shuffle.partitions", max(8, 4 * slots)),
                           ("spark.databricks.delta.snapshotPartitions", min(50, 2 * slots))):
            if spark.sparkContext.getConf().get(key) is None:
                spark.conf.set(key, str(value))

    def _ship(self, spark: SparkSession) -> None:
        self._folder = tempfile.mkdtemp(prefix="ecluse-spark-")
        spark.sparkContext.addPyFile(ship.pack_modules(self._folder))
        if not self._is_local(spark) and not self._installed(spark):
            spark.sparkContext.addArchive(f"{ship.pack(self.program, self._folder)}#{ship.FOLDER}")

    @staticmethod
    def _is_local(spark: SparkSession) -> bool:
        """Whether the executors are this very machine's process: then they start the program where it lies."""
        return re.fullmatch(r"local(\[.*\])?", spark.sparkContext.master) is not None

    def is_local(self) -> bool:
        return self._is_local(self.get())

    def is_shared(self, folder: str) -> bool:
        """Whether the executors that are there see this folder of ours, and may write into it."""
        path, token = os.path.join(folder, "seen"), secrets.token_hex(16)
        with open(path, "w", encoding="ascii") as file:
            file.write(token)
        context = self.get().sparkContext
        tasks = 2 * max(1, context.defaultParallelism)
        try:
            return all(context.parallelize(range(tasks), tasks).mapPartitions(functools.partial(remote.sees, path=path, token=token)).collect())
        except Exception as error:
            raise of_spark(error, "Spark could not ask its executors whether they see the project's folder") from error
        finally:
            os.unlink(path)

    @staticmethod
    def _installed(spark: SparkSession) -> str | None:
        """The program's path on the executors, where somebody has installed it there: then it is not shipped."""
        return spark.sparkContext.getConf().get("spark.ecluse.program")

    def worker_words(self, arguments: list[str], option: str) -> list[str]:
        """What starts `ecluse worker` on an executor."""
        words = [*arguments, option]
        spark = self.get()
        there = self._installed(spark) or (self.program if self._is_local(spark) else None)
        return [there, *words] if there else ["sh", "-c", ship.START.format(folder=ship.FOLDER), "ecluse", *words]

    def worker_command(self, arguments: list[str]) -> str:
        """For RDD.pipe(), which splits it as a shell does."""
        return shlex.join(self.worker_words(arguments, "--guarded"))

    def cancel(self) -> None:
        if self._spark is not None:
            try:
                self._spark.sparkContext.cancelAllJobs()
            except Exception:  # it is ending already
                pass

    def stop(self) -> None:
        if self._spark is not None:
            try:
                self._spark.stop()
            except Exception:  # its JVM may be gone; what was to be said has been said
                pass
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
