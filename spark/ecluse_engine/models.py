"""The models as Spark SQL: from Delta tables as they will be after the run into Delta tables in staging."""
from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from .failure import Failure, of_spark
from .statistics import make_plain
from .translate import Columns, Model, translate

if TYPE_CHECKING:
    from .exchange import Exchange
    from pyspark.sql import Column, DataFrame, SparkSession

SPARK_TYPES = {"string": "string", "integer": "bigint", "float": "double", "boolean": "boolean", "date": "date",
               "datetime": "timestamp"}
BESIDE = 4  # models computed at a time; Spark shares its executors among their jobs
# Types of a translated column that become the model's without a value changing.
WIDENS = {"bigint": {"tinyint", "smallint", "int", "bigint"}, "double": {"float", "double"}, "timestamp": {"timestamp_ntz"}}


def spark_type(name: str) -> str:
    return SPARK_TYPES.get(name, name)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _fits(found: str, wanted: str) -> bool:
    if found == wanted or found == "void" or found in WIDENS.get(wanted, set()):
        return True
    decimals = [re.fullmatch(r"decimal\((\d+),(\d+)\)", text) for text in (found, wanted)]
    return all(decimals) and decimals[0].group(2) == decimals[1].group(2)  # the same places: the check of width is ANSI's


class Models:
    def __init__(self, begin: dict[str, Any]) -> None:
        self.run_date = begin["run_date"]
        self.tables: dict[str, Columns] = {}
        for source in begin["sources"]:
            self.tables[source["table"]] = {column["name"]: column["type"] for column in source["columns"]}
        self.models: dict[str, Model] = {}
        for given in begin["models"]:
            columns = {column["name"]: column["type"] for column in given["columns"]}
            self.models[given["model"]] = Model(given["model"], given["file"], given["sql"], columns, given["inputs"],
                                                given["partition_by"], given["sorted"], given["order_by"])
            self.tables[given["model"]] = columns
        self.sql: dict[str, str] = {}

    def translate(self) -> None:
        """All of them, before anything runs."""
        for model in self.models.values():
            self.sql[model.name] = translate(model, self.tables, self.run_date)

    def check(self, spark: SparkSession) -> None:
        """Spark reads each over empty tables, and makes the columns that DuckDB makes. Nothing is computed."""
        for model in self.models.values():
            for table in model.inputs:
                schema = ", ".join(f"{_quoted(name)} {spark_type(kind)}" for name, kind in self.tables[table].items())
                spark.createDataFrame([], schema).createOrReplaceTempView(model.view(table))
            try:
                rows = spark.sql(self.sql[model.name])
                found = [kind for _, kind in rows.dtypes]
            except Exception as error:
                failure = of_spark(error, f"Spark refuses the model {model.name}")
                raise Failure("config", failure.message, model.file) from error
            for (name, kind), is_type in zip(model.columns.items(), found, strict=True):
                if not _fits(is_type, spark_type(kind)):
                    raise Failure("config", f"the model {model.name} cannot run on Spark: its column {name} is {is_type} there, "
                                            f"and {spark_type(kind)} in DuckDB; cast it", model.file)

    # ------------------------------------------------------------ computing

    def _in(self, column: str, kind: str, values: list[str | None]) -> Column:
        from pyspark.sql import functions as F

        known = [F.lit(value).cast(spark_type(kind)) for value in values if value is not None]
        condition = F.col(_quoted(column)).isin(*known) if known else F.lit(False)
        return condition | F.col(_quoted(column)).isNull() if None in values else condition

    def _offer(self, spark: SparkSession, model: Model, given: dict[str, Any]) -> None:
        """An input's partitions as the view that the model's text names."""
        rows = spark.read.format("delta").load(given["path"])
        if given["needed"] is not None:
            by = given["partition_by"]
            rows = rows.where(self._in(by, self.tables[given["table"]][by], given["needed"]))
        rows.createOrReplaceTempView(model.view(given["table"]))

    def _arranged(self, rows: DataFrame, model: Model) -> DataFrame:
        """In parts of a good size; each in the model's order, which is DuckDB's: nulls last."""
        from pyspark.sql import functions as F

        by = model.partition_by
        rows = rows.hint("rebalance", _quoted(by)) if by else rows.hint("rebalance")
        if not model.sorted:
            return rows
        order = [by] if by else []
        order += [name for name in (model.order_by or model.columns) if name.lower() != (by or "").lower()]
        return rows.sortWithinPartitions(*(F.col(_quoted(name)).asc_nulls_last() for name in order))

    def _compute(self, spark: SparkSession, request: dict[str, Any]) -> str:
        from pyspark.sql import functions as F

        model = self.models[request["model"]]
        for given in request["inputs"]:
            self._offer(spark, model, given)
        rows = spark.sql(self.sql[model.name]).toDF(*model.columns)
        rows = rows.select(*(F.col(_quoted(name)).cast(spark_type(kind)).alias(name) for name, kind in model.columns.items()))
        if request["touched"] is not None and model.partition_by:
            rows = rows.where(self._in(model.partition_by, model.columns[model.partition_by], request["touched"]))
        writer = self._arranged(rows, model).write.format("delta")
        if model.partition_by:
            writer = writer.partitionBy(model.partition_by)
        writer.save(request["out"])
        return model.name

    def compute(self, spark: SparkSession, requests: list[dict[str, Any]], exchange: Exchange | None = None) -> list[str]:
        """All of them beside each other: none hangs on another of the same request."""
        outs = {request["model"]: request["out"] for request in requests}

        def one(request: dict[str, Any]) -> str:
            try:
                name = self._compute(spark, request)
                if exchange:
                    exchange.bring_model(request["out"], outs[name])
                make_plain(outs[name], self.models[name].columns)
                return name
            except Failure:
                raise
            except Exception as error:
                raise of_spark(error, f"Spark could not compute the model {request['model']}") from error

        with ThreadPoolExecutor(BESIDE) as pool:
            return list(pool.map(one, exchange.with_tables(requests) if exchange else requests))
