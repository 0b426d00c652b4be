"""Roll-up summaries: a number of the rows below, computed when it is asked for.

COUNT and SUM of no rows are zero, MIN and MAX are blank. Rows in the recycle bin do not count. A filter's
value may list several texts with commas: equals means any of them, not equal none.

Source: Metadata API Developer Guide, "CustomField" and "FilterItem".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..errors import ApiError
from ..schema import Field
from ..store import quoted
from .columns import column_sql
from .compile import Run
from .faults import FormulaError, NotEmulated
from .kinds import kind_of, reading, stored
from .records import Record

if TYPE_CHECKING:
    from ..schema import Schema, SObject
    from ..tables import Tables

AGGREGATES: Final = {
    "count": "COUNT(*)",
    "sum": "COALESCE(SUM({0}), 0)",
    "min": "MIN({0})",
    "max": "MAX({0})",
}
TESTS: Final = {
    "equals": "{0} = ?",
    "lessThan": "{0} < ?",
    "greaterThan": "{0} > ?",
    "lessOrEqual": "{0} <= ?",
    "greaterOrEqual": "{0} >= ?",
    "contains": "instr(lower({0}), lower(?)) > 0",
    "startsWith": "substr(lower({0}), 1, length(?2)) = lower(?2)",
    "includes": "instr(';' || {0} || ';', ';' || ? || ';') > 0",
}
OPPOSITES: Final = {"notEqual": "equals", "notContain": "contains", "excludes": "includes"}
LISTED: Final = frozenset({"equals", "contains", "startsWith", "includes"})
"""Operations whose value may be a list."""


def rollup(schema: "Schema", tables: "Tables", field: Field) -> Run:
    """The function of a row that computes a roll-up. Raises `FormulaError`."""
    told: dict[str, Any] = field.summary
    child_name, _, reference = str(told["foreign_key"]).partition(".")
    child = schema.get(child_name)
    if child is None or child.field(reference) is None:
        raise FormulaError(f"Field {told['foreign_key']} does not exist. Check spelling.")
    aggregate = AGGREGATES.get(str(told["operation"]).lower())
    if aggregate is None:
        raise NotEmulated(f"The summary operation {told['operation']}")
    summarised = _column(child, told["field"]) if told["field"] else ""
    terms = filter_terms(child, tables, told["filters"], "c")
    where, params = [sql for sql, _ in terms], [value for _, values in terms for value in values]
    table = tables[child.name]
    sql = (
        f"SELECT {aggregate.format(summarised)} FROM {quoted(child.name)} c "
        f"WHERE c.{quoted(child.fields[reference.lower()].name)} = ?"
        + (' AND c."IsDeleted" = 0' if table.has_bin else "")
        + "".join(f" AND {each}" for each in where)
    )
    kind_of(field)
    return _asked(sql, params, field)


def _asked(sql: str, params: list[Any], field: Field) -> Run:
    convert: Callable[[Any], Any] = reading(field)
    is_number = field.type in ("double", "currency", "percent", "int")

    def run(record: Record) -> Any:
        (row,) = record.world.org.store.execute(sql, (record.values.get("Id"), *params))
        raw = row[0]
        if raw is not None and is_number:
            raw = float(f"{raw:.{field.scale}f}") if field.type != "int" else int(raw)
        return convert(raw)

    return run


def _column(sobject: "SObject", full_name: str, alias: str = "c") -> str:
    name = full_name.rpartition(".")[2]
    found = sobject.field(name)
    if found is None:
        raise FormulaError(f"Field {full_name} does not exist. Check spelling.")
    if found.stored:
        return f"{alias}.{quoted(found.name)}"
    return column_sql(sobject.name, found, f'{alias}."Id"')


def filter_terms(
    sobject: "SObject", tables: "Tables", items: Iterable[Sequence[str]], alias: str
) -> list[tuple[str, list[Any]]]:
    """Filters of rows as conditions in SQL, each with the values of its question marks.

    An item is a field's name, an operation in metadata's words, and the value as written. Raises
    `FormulaError` for a field that is not there, or a value that is none of it, and `NotEmulated`.
    """
    terms: list[tuple[str, list[Any]]] = []
    for full_name, operation, written in items:
        name = full_name.rpartition(".")[2]
        test = TESTS.get(OPPOSITES.get(operation, operation))
        if test is None:
            raise NotEmulated(f"The filter operation {operation}")
        sql = _column(sobject, full_name, alias)
        params: list[Any] = []
        parts = []
        for value in _values(tables, sobject, name, operation, written):
            if value is None:
                parts.append(f"{sql} IS NULL")
            else:
                parts.append(test.format(sql).replace("?2", "?"))
                params += [value] * test.count("?")
        joined = " OR ".join(parts)
        terms.append((f"({joined}) IS NOT TRUE" if operation in OPPOSITES else f"({joined})", params))
    return terms


def _values(tables: "Tables", child: "SObject", name: str, operation: str, written: str) -> list[Any]:
    """The values of a filter as the store keeps them; an empty one is a blank."""
    entry = tables[child.name].entries[name.lower()]
    listed = OPPOSITES.get(operation, operation) in LISTED and entry.field.type not in ("date", "datetime")
    texts = [part.strip().strip('"') for part in written.split(",")] if listed else [written.strip()]
    try:
        return [_value(entry.field, entry.read, each) for each in texts]
    except ApiError as error:
        raise FormulaError(f"The filter on {name} has the value {written}: {error.message}") from error


def _value(field: Field, read: Callable[[Any], Any], text: str) -> Any:
    if not text:
        return stored(field, None) if field.type == "boolean" else None
    return read(text)
