"""Single components, by type and name: read, create, update, upsert, delete, rename, list.

A call is for one type and at most ten components; each succeeds or fails for itself, or with
``all_or_none`` all or none do. What an object brings along as its parts is written with it.

Source: Metadata API Developer Guide, "CRUD-Based Metadata Calls"; texts recorded or as seen in public
code.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.emulator.bounds import Bound, most
from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata import composed, described, developer_names
from reconciler.emulator.metadata.audit import audit_component
from reconciler.emulator.metadata.component_types import ComponentProblem, component_type, no_component
from reconciler.emulator.metadata.deploy import as_problem, check_required, exists
from reconciler.emulator.metadata.file_properties import file_properties
from reconciler.emulator.metadata_xml import Tree

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

RECORDS = ("CustomMetadata", "CustomApplication")
MOST_QUERIES = 3
ROLLED_BACK = ComponentProblem(
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    status_code="ALL_OR_NONE_OPERATION_ROLLED_BACK",
)
NOT_THERE = {"CustomField": "This custom field does not exist or is not accessible"}
"""What is said of a component to be deleted that is not there, where a recording has it."""


class UnknownType(ApiError):
    code = "INVALID_TYPE"

    def __init__(self, name: str) -> None:
        super().__init__(f"Unknown type:{name}")


class TooMany(ApiError):
    code = "EXCEEDED_ID_LIMIT"

    def __init__(self, most: int) -> None:
        super().__init__(f"record limit reached. cannot submit more than {most} records in this operation")


@dataclass(frozen=True, slots=True)
class Component:
    """One component as a call gives it; ``type`` is the element's, `AccountSettings` and the like."""

    type: str
    full_name: str
    tree: Tree


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one component of a call."""

    full_name: str
    created: bool = False
    problem: ComponentProblem | None = None

    def as_save(self) -> dict[str, Any]:
        """A SaveResult or DeleteResult in the WSDL's order."""
        return {"errors": _errors(self.problem), "fullName": self.full_name, "success": self.problem is None}

    def as_upsert(self) -> dict[str, Any]:
        return {"created": self.created, **self.as_save()}


def _errors(problem: ComponentProblem | None) -> list[dict[str, Any]]:
    if problem is None:
        return []
    return [{"fields": list(problem.fields), "message": problem.problem, "statusCode": problem.status_code}]


def read(org: "EmulatedOrg", type_name: str, names: Sequence[str]) -> list[tuple[str, Tree | None]]:
    """Each name with its component, None where there is none. Raises INVALID_TYPE, EXCEEDED_ID_LIMIT."""
    _check(org, type_name, len(names))
    org.settle()
    found = []
    for name in names:
        kind, full_name = described.component_of(type_name, name)
        found.append((name, composed.read_whole(org, kind, full_name)))
    return found


def list_components(org: "EmulatedOrg", queries: Sequence[tuple[str, str | None]]) -> list[dict[str, Any]]:
    """FileProperties of the components of up to three types, each with the folder to look in or None.

    A type in folders lists nothing without a folder.
    """
    if len(queries) > MOST_QUERIES:
        raise TooMany(MOST_QUERIES)
    for type_name, _ in queries:
        if not described.is_known(type_name):
            raise UnknownType(type_name)
    org.settle()
    return [
        file_properties(org, type_name, name)
        for type_name, folder in queries
        for name in _listed(org, type_name, folder)
    ]


def _listed(org: "EmulatedOrg", type_name: str, folder: str | None) -> Iterator[str]:
    kind = described.FOLDERS.get(type_name, type_name)
    known = described.types().get(kind)
    in_folders = known is not None and known.in_folder
    for name in composed.names_of(org, kind):
        if not in_folders:
            yield name
        elif type_name in described.FOLDERS:
            if "/" not in name:
                yield name
        elif folder and name.lower().startswith(f"{folder.lower()}/"):
            yield name


# -- writing


def create(tx: "Transaction", components: Sequence[Component], *, all_or_none: bool) -> list[Result]:
    """Make components that are not there."""
    return _each(tx, components, _create_one, all_or_none)


def update(tx: "Transaction", components: Sequence[Component], *, all_or_none: bool) -> list[Result]:
    """Replace components that are there."""
    return _each(tx, components, _update_one, all_or_none)


def upsert(tx: "Transaction", components: Sequence[Component], *, all_or_none: bool) -> list[Result]:
    """Make or replace components; the results tell which."""
    return _each(tx, components, _write_one, all_or_none)


def delete(tx: "Transaction", type_name: str, names: Sequence[str], *, all_or_none: bool) -> list[Result]:
    """Delete components and what they are made of."""
    return _each(tx, [Component(type_name, name, {}) for name in names], _delete_one, all_or_none)


def rename(tx: "Transaction", type_name: str, old: str, new: str) -> Result:
    """Give a component another full name."""
    return _each(tx, [Component(type_name, old, {"fullName": [new]})], _rename_one, False)[0]


def _check(org: "EmulatedOrg", type_name: str, count: int) -> None:
    if not described.is_known(type_name):
        raise UnknownType(type_name)
    bound = Bound.METADATA_RECORDS if type_name in RECORDS else Bound.METADATA_COMPONENTS
    if count > (allowed := most(org, bound)):
        raise TooMany(allowed)


class _Undo(Exception):
    pass


def _each(
    tx: "Transaction",
    components: Sequence[Component],
    act: Callable[["Transaction", Component], bool],
    all_or_none: bool,
) -> list[Result]:
    for type_name in {component.type for component in components}:
        _check(tx.org, type_name, len(components))
    results: list[Result] = []
    try:
        with tx.savepoint():
            results = [_attempt(tx, component, act) for component in components]
            if all_or_none and any(each.problem for each in results):
                raise _Undo
    except _Undo:
        results = [each if each.problem else Result(each.full_name, problem=ROLLED_BACK) for each in results]
    return results


def _attempt(
    tx: "Transaction", component: Component, act: Callable[["Transaction", Component], bool]
) -> Result:
    try:
        with tx.savepoint():
            if not component.full_name:
                raise ComponentProblem(
                    "Required field is missing: fullName",
                    status_code="REQUIRED_FIELD_MISSING",
                    fields=["fullName"],
                )
            return Result(component.full_name, created=act(tx, component))
    except (ComponentProblem, ApiError) as error:
        return Result(component.full_name, problem=as_problem(error))


def _create_one(tx: "Transaction", component: Component) -> bool:
    type_name, full_name = described.component_of(component.type, component.full_name)
    if component_type(type_name).read(tx.org, full_name) is not None:
        raise in_use(type_name, full_name)
    return _write_one(tx, component)


def _update_one(tx: "Transaction", component: Component) -> bool:
    type_name, full_name = described.component_of(component.type, component.full_name)
    if not exists(tx.org, type_name, full_name):
        raise no_component(component.type, full_name)
    return _write_one(tx, component)


def _write_one(tx: "Transaction", component: Component) -> bool:
    """Write the component and its parts; whether it was made."""
    type_name, full_name = described.component_of(component.type, component.full_name)
    whole, pieces = composed.apart(type_name, full_name, component.tree)
    created = False
    if whole.tree or not pieces:  # else only parts are given, and the whole stays as it is
        check_required(component.type, whole.tree)
        created = _write_piece(tx, whole)
    for piece in pieces:
        check_required(piece.type, piece.tree)
        _write_piece(tx, piece)
    return created


def _write_piece(tx: "Transaction", piece: composed.Piece) -> bool:
    developer_names.check(piece.type, piece.full_name)
    made = component_type(piece.type).write(tx, piece.full_name, piece.tree)
    if made.created or made.changed:
        audit_component(tx, "created" if made.created else "changed", piece.type, piece.full_name)
    return made.created


def _delete_one(tx: "Transaction", component: Component) -> bool:
    type_name, full_name = described.component_of(component.type, component.full_name)
    if not exists(tx.org, type_name, full_name):
        if told := NOT_THERE.get(type_name):
            raise ComponentProblem(told)
        raise no_component(component.type, full_name)
    composed.delete_whole(tx, type_name, full_name)
    audit_component(tx, "deleted", type_name, full_name)
    return False


def _rename_one(tx: "Transaction", component: Component) -> bool:
    type_name, old = described.component_of(component.type, component.full_name)
    new = component.tree["fullName"][0]
    component_type(type_name).rename(tx, old, new)
    audit_component(tx, "changed", type_name, new)
    return False


def in_use(type_name: str, full_name: str) -> ComponentProblem:
    """The problem of making a component whose name is taken."""
    owner, _, name = full_name.partition(".")
    if type_name == "CustomField":
        told = f"There is already a field named {name.removesuffix('__c')} on {owner}."
    elif type_name == "CustomObject":
        told = "That object name is already in use."
    else:
        told = f"The developer name {name or full_name} is already in use on another {type_name}."
    return ComponentProblem(told, status_code="DUPLICATE_DEVELOPER_NAME", fields=["fullName"])
