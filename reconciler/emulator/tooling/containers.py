"""Code that is sent in containers: members are collected, a request compiles and saves them all.

Classes and triggers are checked only as far as `apex_source` reads them. A request is done when it
is asked for; until then its state is Queued.

Source: Tooling API, "MetadataContainer", "ApexClassMember", "ContainerAsyncRequest".
"""

import base64
from typing import TYPE_CHECKING, Any

from .. import ids
from ..errors import ApiError
from ..metadata.component_types import ComponentProblem, component_type
from ..writes import Transaction
from . import apex_source, components_of_rows, json_form, virtual

if TYPE_CHECKING:
    from ..org import EmulatedOrg

MEMBERS = {"ApexClassMember": "ApexClass", "ApexTriggerMember": "ApexTrigger", "ApexPageMember": "ApexPage"}
REQUEST = "ContainerAsyncRequest"


def declared_name(sobject: str, body: str) -> str | None:
    """The name that a class or trigger gives itself."""
    return apex_source.declared_name(body) if sobject in ("ApexClass", "ApexTrigger") else None


def check(tx: Transaction, sobject: str, fields: dict[str, Any]) -> None:
    """What the general rules do not see. Raises `ApiError`."""
    if (
        sobject == REQUEST
        and not fields.get("MetadataContainerId")
        and not fields.get("MetadataContainerMemberId")
    ):
        raise ApiError(
            "Required fields are missing: [MetadataContainerId]",
            code="REQUIRED_FIELD_MISSING",
            fields=["MetadataContainerId"],
        )


def after_insert(org: "EmulatedOrg", tx: Transaction, sobject: str, record_id: str) -> None:
    """Carry out a request for the members of its container."""
    if sobject != REQUEST:
        return
    from .view import tooling

    inner = tooling(org).transaction(tx)
    table = inner.tables[REQUEST]
    number = ids.parse(record_id) or 0
    row = inner.row(table, number)
    failures: list[dict[str, Any]] = []
    successes: list[dict[str, Any]] = []
    try:
        with tx.savepoint():
            for kind in MEMBERS:
                _save_members(org, inner, kind, row["MetadataContainerId"], successes, failures)
            if failures or row["IsCheckOnly"]:
                raise _Undo
    except _Undo:
        pass
    state = "Failed" if failures else "Completed"
    inner.set_fields(
        table, number, {"State": state, "ErrorMsg": failures[0]["problem"] if failures else None}
    )
    details = {"componentSuccesses": successes, "componentFailures": failures}
    virtual.keep(org, number, "DeployDetails", {"allComponentMessages": [*successes, *failures], **details})


class _Undo(Exception):
    """Leaves the savepoint of a request that failed or only checks."""


def _save_members(
    org: "EmulatedOrg",
    inner: Transaction,
    kind: str,
    container: int | None,
    successes: list[dict[str, Any]],
    failures: list[dict[str, Any]],
) -> None:
    table = inner.tables[kind]
    found = org.store.execute(
        f'SELECT "Id" FROM "{kind}" WHERE "MetadataContainerId" = ? ORDER BY "Id"',  # noqa: S608 - names are ours
        (container,),
    )
    for (number,) in found:
        row = inner.row(table, number)
        message: dict[str, Any] = {
            "componentType": MEMBERS[kind],
            "id": None,
            "fullName": None,
            "success": True,
            "problem": None,
            "problemType": None,
            "lineNumber": None,
            "columnNumber": None,
        }
        try:
            message |= _save(org, inner, MEMBERS[kind], number, row)
            successes.append(message)
        except ComponentProblem as problem:
            message |= {
                "success": False,
                "problem": problem.problem,
                "problemType": "Error",
                "lineNumber": problem.line,
                "columnNumber": problem.column,
            }
            failures.append(message)


def _save(
    org: "EmulatedOrg", inner: Transaction, sobject: str, number: int, row: dict[str, Any]
) -> dict[str, Any]:
    entity = row["ContentEntityId"]
    full_name = components_of_rows.full_name(org, sobject, entity) if entity else None
    full_name = full_name or virtual.kept(org, number, "FullName") or apex_source.declared_name(row["Body"])
    if not full_name:
        raise ComponentProblem("A name is required", status_code="REQUIRED_FIELD_MISSING")
    kind = component_type(sobject)
    told = virtual.kept(org, number, "Metadata")
    tree = kind.read(org, full_name) or {"apiVersion": ["64.0"], "status": ["Active"]}
    if told:
        tree = {**tree, **json_form.to_tree(told)}
    tree["content"] = [base64.b64encode(row["Body"].encode()).decode()]
    written = kind.write(Transaction(org, inner.user), full_name, tree)
    return {"id": written.id, "fullName": full_name, "created": written.created, "changed": written.changed}
