"""Records with their children in one call: all of them or none.

Children stand under the name of their relationship and get their parent's id. A failure answers
the errors of the records that have one, and nothing is kept.

Source: REST API Developer Guide, "sObject Tree".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.bounds import Bound, most
from reconciler.emulator.errors import ApiError, InvalidField
from reconciler.emulator.http import dml
from reconciler.emulator.http.envelope import result_errors
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Schema, SObject
from reconciler.emulator.writes import Transaction

MAX_TYPES, MAX_DEPTH = 5, 5


@dataclass
class Node:
    """One record of the tree; ``link`` is the field that points to its parent."""

    reference_id: str
    sobject: SObject
    fields: dict[str, Any]
    parent: "Node | None"
    link: str | None
    depth: int
    record_id: str = ""


class _Undo(Exception):
    pass


@route("POST", "/composite/tree/{sobject}")
def create_tree(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """Create trees of records. 201 with the id of each `referenceId`, or 400 with the errors."""
    root = dml.sobject_of(org, sobject, request)
    body = request.json
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not records:
        raise ApiError("At least 1 record is required", code="REQUIRED_FIELD_MISSING")
    nodes = list(_walk(dml.schema_of(org, request), root, records, None, None, 1))
    _check(org, nodes)
    errors: dict[str, ApiError] = {}
    try:
        with dml.transaction_of(org, request) as transaction:
            for node in nodes:
                _create(request, transaction, node, errors)
            if errors:
                raise _Undo
    except _Undo:
        results = [{"referenceId": name, "errors": result_errors(each)} for name, each in errors.items()]
        return ok({"hasErrors": True, "results": results}, 400)
    created = [{"referenceId": node.reference_id, "id": node.record_id} for node in nodes]
    return ok({"hasErrors": False, "results": created}, 201)


def _create(request: Request, transaction: Transaction, node: Node, errors: dict[str, ApiError]) -> None:
    if node.parent is not None and not node.parent.record_id:
        return  # its parent's refusal is the one to read
    fields = dict(node.fields)
    if node.parent is not None and node.link is not None:
        fields[node.link] = node.parent.record_id
    dml.check_lock(request, "", fields)
    outcome = dml.attempt(transaction, lambda: transaction.insert(node.sobject.name, fields))
    if isinstance(outcome, ApiError):
        errors[node.reference_id] = outcome
    else:
        node.record_id = outcome


def _walk(
    schema: Schema, sobject: SObject, records: list[Any], parent: Node | None, link: str | None, depth: int
) -> Iterator[Node]:
    """All records, parents first."""
    for record in records:
        attributes = record.get("attributes") if isinstance(record, dict) else None
        if not isinstance(attributes, dict) or not isinstance(attributes.get("referenceId"), str):
            raise ApiError("Each record needs attributes with a referenceId", code="INVALID_INPUT")
        if str(attributes.get("type", sobject.name)).lower() != sobject.name.lower():
            raise ApiError(f"Expected records of type {sobject.name}", code="INVALID_INPUT")
        children = {name: each for name, each in record.items() if _is_children(each)}
        fields = {name: each for name, each in dml.record_fields(record).items() if name not in children}
        node = Node(attributes["referenceId"], sobject, fields, parent, link, depth)
        yield node
        for name, each in children.items():
            child, field = _relationship(schema, sobject, name)
            yield from _walk(schema, child, each["records"], node, field, depth + 1)


def _is_children(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("records"), list)


def _relationship(schema: Schema, sobject: SObject, name: str) -> tuple[SObject, str]:
    for each in schema.children_of(sobject.name):
        if each.name and each.name.lower() == name.lower():
            return schema[each.child], each.field
    raise InvalidField(f"No such column '{name}' on sobject of type {sobject.name}")


def _check(org: EmulatedOrg, nodes: list[Node]) -> None:
    names = [node.reference_id for node in nodes]
    if len(nodes) > (allowed := most(org, Bound.TREE_RECORDS)):
        raise ApiError(f"The tree has more than {allowed} records", code="INVALID_INPUT")
    if len({node.sobject.name for node in nodes}) > MAX_TYPES:
        raise ApiError(f"The tree has more than {MAX_TYPES} types of records", code="INVALID_INPUT")
    if max(node.depth for node in nodes) > MAX_DEPTH:
        raise ApiError(f"The tree is more than {MAX_DEPTH} records deep", code="INVALID_INPUT")
    if len(set(names)) != len(names):
        again = next(name for name in names if names.count(name) > 1)
        raise ApiError(f"Duplicate ReferenceId provided in the request: {again}", code="INVALID_INPUT")
