"""What the query planner says of a query: over an index where one narrows it, else over the whole table.

Costs are Salesforce's in kind: below 1 the optimizer takes an index. The figures are our own.

Source: REST API Developer Guide, "Query Options Headers" and "Get Feedback on Query Performance".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import InvalidType
from ..schema import Field, SObject
from ..store import quoted
from .parse import parse
from .tree import Among, And, Comparison, Not, Or, Path, SemiJoin

if TYPE_CHECKING:
    from ..org import EmulatedOrg

STANDARD_INDEXES = ("Id", "Name", "OwnerId", "CreatedDate", "SystemModstamp", "RecordTypeId", "Email")
INDEXED_OPERATORS = ("=", "<", ">", "<=", ">=")
TABLE_SCAN = 2.8


def explain(org: "EmulatedOrg", soql: str, *, user_id: str, version: str) -> dict[str, Any]:
    """The plans of a query, cheapest first. Raises what running it would raise."""
    result = org.query(soql, user_id=user_id, version=version)
    tree = parse(soql)
    sobject = org.schema.get(result.sobject)
    if sobject is None:
        raise InvalidType(f"sObject type '{result.sobject}' is not supported.")
    (row,) = org.store.execute(f"SELECT COUNT(*) FROM {quoted(sobject.name)}")
    found = result.total_size if not result.is_aggregate else row[0]
    indexed = list(dict.fromkeys(_indexed(sobject, tree.where)))
    plans = [_plan(sobject, "TableScan", [], found, row[0], TABLE_SCAN)]
    if indexed:
        cost = round(min(0.9, found / max(1, row[0] * 3)), 3)
        plans.insert(0, _plan(sobject, "Index", indexed, found, row[0], cost))
    return {"plans": plans, "sourceQuery": soql}


def _plan(
    sobject: SObject, kind: str, fields: list[str], found: int, total: int, cost: float
) -> dict[str, Any]:
    notes = []
    if sobject.field("IsDeleted"):
        why = "Not considering filter for optimization because unindexed"
        notes.append({"description": why, "fields": ["IsDeleted"], "tableEnumOrId": sobject.name})
    return {
        "cardinality": max(1, found),
        "fields": fields,
        "leadingOperationType": kind,
        "notes": notes,
        "relativeCost": cost,
        "sobjectCardinality": total,
        "sobjectType": sobject.name,
    }


def _indexed(sobject: SObject, condition: Any) -> Iterator[str]:
    """The indexed fields that a condition compares in a way that an index can serve."""
    match condition:
        case And(operands=operands):
            for each in operands:
                yield from _indexed(sobject, each)
        case Comparison(left=Path() as path, operator=operator) if operator in INDEXED_OPERATORS:
            yield from _name(sobject, path)
        case Among(left=Path() as path, negated=False) | SemiJoin(left=Path() as path, negated=False):
            yield from _name(sobject, path)
        case Or() | Not() | _:
            return


def _name(sobject: SObject, path: Path) -> Iterator[str]:
    field = sobject.field(path.parts[-1])
    if field is not None and len(path.parts) == 1 and _is_indexed(field):
        yield field.name


def _is_indexed(field: Field) -> bool:
    return field.unique or field.external_id or field.type == "reference" or field.name in STANDARD_INDEXES
