"""A model's SQL, from DuckDB's to Spark's.

sqlglot reads and writes the two dialects. What it cannot know is where both accept a text and mean different things by
it, so nothing passes that is not on a list of ours: a construct that means the same on both (SAME), or one of which this
module knows how to say the same (TRANSLATE). Everything else is a Failure at the model's file and line, before the run
has read a byte. docs/spark.md has the list for people; tests/spark/test_translate.py holds both sides together.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokens import Token

from .failure import Failure

Columns = dict[str, str]  # name: type of the configuration ("float", "decimal(10,2)")

INTEGERS = {exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.INT128}
FLOATS = {exp.DType.FLOAT, exp.DType.DOUBLE}
DECIMALS = {exp.DType.DECIMAL}
TEXTS = {exp.DType.VARCHAR, exp.DType.TEXT, exp.DType.CHAR}
INSTANTS = {exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ}  # in UTC, both
TIMES = {exp.DType.DATE, *INSTANTS}

# What a column of the configuration is in DuckDB's SQL.
DUCKDB_TYPES = {"string": "VARCHAR", "integer": "BIGINT", "float": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
                "datetime": "TIMESTAMP"}

# Constructs that mean the same in both, and whose text sqlglot writes.
SAME: tuple[type[exp.Expression], ...] = (
    exp.Select, exp.From, exp.Where, exp.Having, exp.Order, exp.Ordered, exp.With, exp.CTE, exp.Table, exp.TableAlias,
    exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Subquery, exp.Paren, exp.Union, exp.Intersect, exp.Except,
    exp.Literal, exp.Null, exp.Boolean, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is, exp.Between, exp.In, exp.Exists, exp.Case, exp.If, exp.Coalesce, exp.Nullif,
    exp.Greatest, exp.Least, exp.Add, exp.Mul, exp.Neg, exp.Abs, exp.DataType, exp.DataTypeParam, exp.Filter,
    exp.Count, exp.Sum, exp.Min, exp.Max, exp.Lower, exp.Upper, exp.DPipe, exp.Year, exp.Month, exp.Day, exp.Hour,
    exp.Window, exp.WindowSpec, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Qualify, exp.Var,
)

# Words that stand before a bracket without being a function that is unknown.
WORDS = set("""count sum min max avg exact_sum exact_avg run_date quantile_cont median round floor ceil ceiling abs lower upper
coalesce nullif greatest least year month day hour row_number rank dense_rank cast try_cast in and or not on where when then else as over
filter from join select by exists using with union all except intersect exclude rename values""".split())


def duckdb_type(name: str) -> str:
    return DUCKDB_TYPES.get(name, name.upper())


@dataclass
class Model:
    """A model as the driver sends it."""

    name: str
    file: str
    sql: str
    columns: Columns
    inputs: list[str]
    partition_by: str | None = None
    sorted: bool = True
    order_by: list[str] = field(default_factory=list)

    def view(self, table: str) -> str:
        """The temporary view of an input: models are computed beside each other, each over partitions of its own."""
        return f"ecluse__{self.name}__{table}"


class Untranslatable(Exception):
    def __init__(self, what: str, node: exp.Expression | None) -> None:
        super().__init__(what)
        self.what, self.node = what, node


def _type(node: exp.Expression) -> exp.DType | None:
    return node.type.this if node.type is not None else None


def _word(node: exp.Expression, sql: str) -> Token | None:
    """The function's name in the text, where sqlglot has not noted it: the first call of a function that nobody knows."""
    if not isinstance(node, exp.Func) or "line" in node.meta:
        return None
    tokens = sqlglot.tokenize(sql, read="duckdb")
    calls = (one for one, two in zip(tokens, tokens[1:]) if two.text == "(" and one.text.replace("_", "").isalnum())
    return next((one for one in calls if one.text.lower() not in WORDS), None)


def _name(node: exp.Expression, sql: str) -> str:
    """As the model writes it: its word where one is known, else the construct's own."""
    word = _word(node, sql)
    if word:
        return f"{word.text}()"
    if "start" in node.meta and "end" in node.meta:
        word = sql[node.meta["start"]:node.meta["end"] + 1]
        if word.replace("_", "").isalnum():
            return f"{word}()" if isinstance(node, (exp.Func, exp.Anonymous)) else word
    if isinstance(node, exp.Anonymous):
        return f"{node.name}()"
    if isinstance(node, exp.Func):
        return f"{node.sql_name().lower()}()"
    return type(node).__name__.upper()


def _place(node: exp.Expression | None, sql: str) -> tuple[int, int] | None:
    """The nearest place that sqlglot has noted: of the node, of something in it, of what it stands in."""
    word = _word(node, sql) if node is not None else None
    if word:
        return word.line, max(1, word.col - (word.end - word.start))
    while node is not None:
        for inner in node.walk():
            if "line" in inner.meta:
                start, end = inner.meta.get("start", 0), inner.meta.get("end", 0)
                return inner.meta["line"], max(1, inner.meta["col"] - (end - start))
        node = node.parent
    return None


# ---------------------------------------------------------------- before types are known


def _exact(x: exp.Expression) -> exp.Expression:
    decimal = exp.DataType.build("DECIMAL(38, 9)")
    made = exp.Sum(this=exp.TryCast(this=x.copy(), to=decimal, safe=True))
    made.this.meta["exact"] = True
    return made


def _double(x: exp.Expression) -> exp.Expression:
    made = exp.Cast(this=x, to=exp.DataType.build("DOUBLE"))
    made.meta["exact"] = True
    return made


def _macros(tree: exp.Expression, run_date: str) -> exp.Expression:
    """The functions that Écluse adds to DuckDB, as they are defined there (src/sql/session.c)."""

    def one(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Anonymous):
            return node
        name, arguments = node.name.lower(), node.expressions
        made: exp.Expression = node
        if name == "exact_sum" and len(arguments) == 1:
            made = _double(_exact(arguments[0]))
        elif name == "exact_avg" and len(arguments) == 1:
            count = exp.Count(this=_exact(arguments[0]).this)
            made = exp.Paren(this=exp.Div(this=_double(_exact(arguments[0])), expression=count, typed=False, safe=False))
            made.this.meta["exact"] = True
        elif name == "run_date" and not arguments:
            made = exp.Cast(this=exp.Literal.string(run_date), to=exp.DataType.build("DATE"))
        if made is not node:
            made.meta.update(node.meta)
        return made

    return tree.transform(one)


# ---------------------------------------------------------------- what has to be said otherwise


def _divide(node: exp.Div) -> exp.Expression:
    """DuckDB divides as doubles, and by zero as IEEE 754 says; Spark divides decimals as decimals, and zero is an error."""
    if node.meta.get("exact"):
        return node  # its divisor counts what its dividend sums: null over nothing
    over, by = _double(node.this.copy()), _double(node.expression.copy())
    plain = exp.Div(this=over, expression=by, typed=False, safe=False)
    divisor = node.expression.unnest()
    never_zero = isinstance(divisor, exp.Nullif) and divisor.expression.sql() == "0"
    never_zero = never_zero or (isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.this) != 0)
    if never_zero:
        return exp.Paren(this=plain)
    zero = exp.Literal.number("0")

    def special(text: str) -> exp.Expression:
        return exp.Cast(this=exp.Literal.string(text), to=exp.DataType.build("DOUBLE"))

    ieee = exp.Case().when(exp.IsNan(this=over.copy()), special("NaN"))
    ieee = ieee.when(exp.GT(this=over.copy(), expression=zero.copy()), special("Infinity"))
    ieee = ieee.when(exp.LT(this=over.copy(), expression=zero.copy()), special("-Infinity"))
    ieee = ieee.when(exp.Not(this=exp.Is(this=over.copy(), expression=exp.Null())), special("NaN"))
    return exp.Case().when(exp.EQ(this=by.copy(), expression=zero), ieee).else_(plain)


def _subtract(node: exp.Sub) -> exp.Expression:
    """Between two dates lie days, a whole number; in Spark an interval."""
    if _type(node.this) == exp.DType.DATE and _type(node.expression) == exp.DType.DATE:
        return exp.Anonymous(this="datediff", expressions=[node.this.copy(), node.expression.copy()])
    return node


def _average(node: exp.Avg) -> exp.Expression:
    """DuckDB's average of decimals is a double, Spark's a decimal of four more places."""
    return exp.Avg(this=_double(node.this.copy()))


def _numbers(node: exp.Expression) -> list[str]:
    found = node.expressions if isinstance(node, exp.Array) else [node]
    if not found or not all(isinstance(one, exp.Literal) and not one.is_string for one in found):
        raise Untranslatable("a quantile that is no literal", node)
    return [one.this for one in found]


def _quantile(node: exp.PercentileCont | exp.Median) -> exp.Expression:
    """Both interpolate between the two nearest values; Spark's percentile() is exact, too."""
    if _type(node.this) not in FLOATS | INTEGERS:
        raise Untranslatable("a quantile of what is no double: CAST(… AS DOUBLE)", node)
    if isinstance(node, exp.Median):
        share: exp.Expression = exp.Literal.number("0.5")
    else:
        _numbers(node.expression)
        share = node.expression.copy()
    return exp.Anonymous(this="percentile", expressions=[_double(node.this.copy()), share])


def _modulo(node: exp.Mod) -> exp.Expression:
    """By zero it is null in DuckDB and an error in Spark."""
    divisor = node.expression.unnest()
    divisor = divisor.this if isinstance(divisor, exp.Neg) else divisor
    if isinstance(divisor, exp.Literal) and not divisor.is_string and float(divisor.this) != 0:
        return node
    raise Untranslatable("% by what is no literal", node)


def _round(node: exp.Round) -> exp.Expression:
    """DuckDB rounds a double times a power of ten; Spark its shortest decimal text, which is another number."""
    digits = node.args.get("decimals")
    if _type(node.this) in INTEGERS | DECIMALS:
        return node
    if _type(node.this) not in FLOATS or not (digits is None or (isinstance(digits, exp.Literal) and digits.this.isdigit())):
        raise Untranslatable("round() but of a number to literal places", node)
    if digits is None or digits.this == "0":
        return exp.Round(this=node.this.copy(), decimals=exp.Literal.number("0"))
    power = exp.Literal.number(f"1E{digits.this}")
    inner = exp.Round(this=exp.Mul(this=exp.Paren(this=node.this.copy()), expression=power), decimals=exp.Literal.number("0"))
    return exp.Paren(this=exp.Div(this=inner, expression=power.copy(), typed=False, safe=False))


def _whole(node: exp.Floor | exp.Ceil) -> exp.Expression:
    """A double in DuckDB; in Spark a whole number, into which neither NaN nor what is very large fits: both are whole
    already, as far as a double can be."""
    if _type(node.this) not in FLOATS:
        raise Untranslatable("of what is no double", node)
    x = node.this
    small = exp.LT(this=exp.Abs(this=x.copy()), expression=exp.Literal.number("4503599627370496"))
    return exp.Case().when(small, _double(node.copy())).else_(x.copy())


def _like(node: exp.Like) -> exp.Expression:
    """A backslash escapes in Spark alone."""
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and pattern.is_string) or "\\" in pattern.this:
        raise Untranslatable("LIKE with a pattern that is no literal, or holds a backslash", node)
    return node


def _bracket(node: exp.Bracket) -> exp.Expression:
    """Counted from 1 in DuckDB, from 0 in Spark: sqlglot shifts that where it knows no type, which is so of a column."""
    if len(node.expressions) != 1 or not isinstance(node.expressions[0], exp.Literal) or not isinstance(node.this, exp.Column):
        raise Untranslatable("an element but of a column by a literal", node)
    return node


def _cast(node: exp.Cast) -> exp.Expression:
    """Where both convert alike, or can be made to: DuckDB rounds where Spark cuts off."""
    if node.meta.get("exact"):
        return node
    source, target = _type(node.this), node.to.this
    literal = isinstance(node.this.unnest(), exp.Literal) and node.this.unnest().is_string
    if source == target and source not in DECIMALS | INSTANTS:
        return node
    alike = (source in INTEGERS | {exp.DType.BOOLEAN} and target in INTEGERS | FLOATS | DECIMALS,
             source in DECIMALS and target in FLOATS,
             source in FLOATS and target in FLOATS,
             source in TIMES and target in TIMES,
             source in INTEGERS | TEXTS | {exp.DType.DATE} and target in TEXTS,
             isinstance(node.this.unnest(), exp.Null),
             literal and target in INTEGERS | FLOATS | DECIMALS | TIMES)
    if any(alike) and target in INSTANTS:
        return type(node)(this=node.this.copy(), to=exp.DataType(this=exp.DType.TIMESTAMPTZ), safe=node.args.get("safe"))
    if any(alike):
        return node
    if source in FLOATS | DECIMALS and target in INTEGERS:
        nearest: exp.Expression = exp.Anonymous(this="rint" if source in FLOATS else "round", expressions=[node.this.copy()])
        return type(node)(this=nearest, to=node.to.copy())
    from_what = node.this.type.sql() if node.this.type is not None else "UNKNOWN"
    raise Untranslatable(f"a cast from {from_what} to {node.to.sql()}", node)


TRANSLATE: dict[type[exp.Expression], Callable[..., exp.Expression]] = {
    exp.Div: _divide, exp.Avg: _average, exp.PercentileCont: _quantile, exp.Median: _quantile, exp.Mod: _modulo,
    exp.Round: _round, exp.Floor: _whole, exp.Ceil: _whole, exp.Like: _like, exp.Bracket: _bracket, exp.Cast: _cast,
    exp.TryCast: _cast, exp.Sub: _subtract,
}

# Parts of a construct that is allowed without them.
REFUSED_PARTS: dict[type[exp.Expression], tuple[str, ...]] = {
    exp.Join: ("method",), exp.Group: ("rollup", "cube", "grouping_sets", "totals"), exp.Distinct: ("on",),
    exp.Select: ("sample", "kind", "into", "match", "laterals", "connect"), exp.Table: ("sample", "pivots", "ordinality"),
}


def _check(node: exp.Expression) -> None:
    for part in REFUSED_PARTS.get(type(node), ()):
        if node.args.get(part):
            raise Untranslatable(f"{type(node).__name__.upper()} with {part.upper().replace('_', ' ')}", node)
    if isinstance(node, exp.Array):
        if not isinstance(node.parent, exp.PercentileCont):
            raise Untranslatable("a list", node)
        return
    if isinstance(node, exp.DataType) and not isinstance(node.parent, (exp.Cast, exp.TryCast, exp.DataType)):
        raise Untranslatable(f"{node.sql(dialect='duckdb')}, which reads as a type: name the column otherwise", node)
    more = (exp.Join, exp.Group, exp.Distinct, exp.Limit, exp.Offset)
    if type(node) not in SAME + more and type(node) not in TRANSLATE:
        raise Untranslatable("", node)


def _say_otherwise(tree: exp.Expression) -> exp.Expression:
    """From the leaves up, so that what is said otherwise is made of what was said otherwise."""
    for node in reversed(list(tree.walk(bfs=False))):
        act = TRANSLATE.get(type(node))
        if not act:
            continue
        made = act(node)
        if made is not node:
            made.type = node.type  # of the DuckDB expression: what stands around it was judged by that
            if node is tree:
                tree = made
            else:
                node.replace(made)
    return tree


# ---------------------------------------------------------------- all


def _rename_tables(tree: exp.Expression, model: Model) -> None:
    names = {table.lower(): table for table in model.inputs}
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and source.name.lower() in names:
                source.set("this", exp.to_identifier(model.view(names[source.name.lower()]), quoted=True))
                source.set("db", None)


def _translate(model: Model, tables: dict[str, Columns], run_date: str) -> str:
    tree = sqlglot.parse_one(model.sql, read="duckdb")
    tree = _macros(tree, run_date)
    for node in tree.walk():
        _check(node)
    schema = {table: {column: duckdb_type(kind) for column, kind in tables[table].items()} for table in model.inputs}
    tree = qualify(tree, schema=schema, dialect="duckdb", quote_identifiers=True)
    tree = annotate_types(tree, schema=schema, dialect="duckdb")
    tree = _say_otherwise(tree)
    _rename_tables(tree, model)
    return tree.sql(dialect="spark", comments=False)


def translate(model: Model, tables: dict[str, Columns], run_date: str) -> str:
    """The model for Spark, over the views of its inputs. Failure at the place of what has no translation."""
    try:
        return _translate(model, tables, run_date)
    except Untranslatable as error:
        what = _name(error.node, model.sql) if error.node is not None else ""
        named = f"{what}: {error.what}" if what and error.what else what or error.what
        place = _place(error.node, model.sql) or (None, None)
        message = f"the model {model.name} cannot run on Spark: {named} has no translation"
        raise Failure("config", message, model.file, *place) from error
    except SqlglotError as error:
        first = str(error).splitlines()[0]
        places = getattr(error, "errors", None) or [{}]
        raise Failure("config", f"the model {model.name} cannot be translated for Spark: {first}", model.file,
                      places[0].get("line"), places[0].get("col")) from error
