"""Objects that answer what a user may do: their rows are made for the query that asks, and taken back.

`UserRecordAccess` answers one row for each record asked about, also for one that is not there.
`UserPermissionAccess` is one row, about the asker. `UserEntityAccess` and `UserFieldAccess` have a row
for each object and field.

Source: Object Reference, "UserRecordAccess"; Tooling API Guide, "UserEntityAccess", "UserFieldAccess".
"""

# ruff: noqa: S608 - names are ours, values are bound

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from .. import ids
from ..errors import ApiError, InvalidField, MalformedQuery
from ..schema import SObject
from ..store import quoted
from .checks import may_transfer
from .governed import CREATE, DELETE, EDIT, Level
from .rights import PREFIX
from .sharing import row_level
from .users import UserAccess

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..soql.tree import Condition, Query

MOST_RECORDS: Final = 200
LEVELS: Final = ("None", "Read", "Edit", "Delete", "Transfer", "All")
"""MaxAccessLevel, from least to most."""

Row = Mapping[str, Any]
Answer = Callable[["EmulatedOrg", "Query", int], Iterator[Row]]


class _Asked(Exception):
    """Ends the transaction that held the rows of an answer."""


@contextmanager
def answered(org: "EmulatedOrg", soql: str, user_id: str) -> Iterator[None]:
    """Around a query: the rows it asks about are there inside, and nothing of them afterwards."""
    from ..soql.parse import parse
    from ..soql.refusals import Fault

    try:
        query = parse(soql)
        answer = ANSWERS.get(query.source.text.lower())
    except (Fault, RecursionError):
        answer = None  # the query itself says what is wrong with it
    if answer is None:
        yield
        return
    name, make = answer
    org.definitions.refresh_for("EntityDefinition")
    try:
        with org.store.transaction():
            _fill(org, name, make(org, query, ids.parse(user_id) or 0))
            yield
            raise _Asked
    except _Asked:
        pass


def _fill(org: "EmulatedOrg", name: str, rows: Iterator[Row]) -> None:
    columns = org.tables[name].columns
    listed, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
    sql = f"INSERT INTO {quoted(name)} ({listed}) VALUES ({marks})"
    made = [{"Id": number, **row} for number, row in enumerate(rows, 1)]
    booleans = {each.name: 0 for each in org.tables[name].stored if each.type == "boolean"}
    org.store.execute_many(sql, [[(booleans | row).get(column) for column in columns] for row in made])


# -- what the query asks for


def _asked(condition: "Condition | None", field: str) -> list[str]:
    """The values that a field must have by the conditions joined with AND."""
    from ..soql.tree import Among, And, Comparison, Path, Text

    if isinstance(condition, And):
        return [value for each in condition.operands for value in _asked(each, field)]
    if not isinstance(condition, Comparison | Among) or not isinstance(condition.left, Path):
        return []
    if condition.left.parts[-1].lower() != field.lower():
        return []
    if isinstance(condition, Comparison):
        values = [condition.value] if condition.operator == "=" else []
    else:
        values = [] if condition.negated else list(condition.values)
    return [each.value for each in values if isinstance(each, Text)]


def _users(query: "Query") -> list[int]:
    """The users asked about, by UserId or at the end of a durable id (`Account.005…`)."""
    texts = _asked(query.where, "UserId")
    texts += [each.rpartition(".")[2] for each in _asked(query.where, "DurableId")]
    numbers = [ids.parse(each) for each in texts]
    return [each for each in dict.fromkeys(numbers) if each is not None]


# -- records


def _record_rows(org: "EmulatedOrg", query: "Query", asker: int) -> Iterator[Row]:
    users = [ids.parse(each) for each in _asked(query.where, "UserId")]
    records = [ids.parse(each) for each in _asked(query.where, "RecordId")]
    if len(users) != 1 or not records:
        raise MalformedQuery(
            "UserRecordAccess: a filter on a single UserId and on RecordId is required [UserId,RecordId]"
        )
    if len(records) > MOST_RECORDS:
        raise ApiError(
            f"UserRecordAccess: at most {MOST_RECORDS} record ids can be queried", code="MALFORMED_QUERY"
        )
    _check_selected(query)
    access = org.access.of(users[0] or 0)
    for record in dict.fromkeys(records):
        if record is not None:
            yield {"UserId": users[0], "RecordId": record, **record_access(org, access, record)}


def _check_selected(query: "Query") -> None:
    """What a user may do with a row is told with the row."""
    from ..soql.tree import Item, Path

    chosen = [each.expression for each in query.selected if isinstance(each, Item)]
    names = {each.parts[-1].lower() for each in chosen if isinstance(each, Path)}
    if len(names) == len(query.selected) and "recordid" not in names:
        raise InvalidField("RecordId field must be selected")


def record_access(org: "EmulatedOrg", access: UserAccess, number: int) -> dict[str, Any]:
    """The fields of UserRecordAccess that say what a user may do with one row."""
    sobject = org.schema.by_prefix(ids.prefix_of(number))
    able = _able(org, access, sobject, number) if sobject else frozenset()
    flags = {f"Has{name}Access": int(name in able) for name in LEVELS[1:]}
    return {**flags, "MaxAccessLevel": next((each for each in LEVELS[::-1] if each in able), LEVELS[0])}


def _able(org: "EmulatedOrg", access: UserAccess, sobject: SObject, number: int) -> frozenset[str]:
    """What a user may do with a row, in words of `LEVELS`: each as the checks of writes would say."""
    state = org.store.execute(org.tables[sobject.name].state_sql, (number,))
    if sobject.name not in access.schema or not state or state[0][0]:
        return frozenset()
    level = row_level(org, access, sobject, number)
    if level is None:
        return frozenset()
    edits = level >= Level.EDIT and access.may(sobject, EDIT)
    if sobject.name == "User" and not access.may(sobject, CREATE):
        return frozenset({"Read", "Edit"} if number == access.user else {"Read"})
    deletes = level is Level.WHOLE and access.may(sobject, DELETE)
    transfers = edits and may_transfer(org, access, sobject, level)
    told = {"Read": True, "Edit": edits, "Delete": deletes, "Transfer": transfers}
    told["All"] = deletes and transfers and level is Level.WHOLE
    return frozenset(name for name, holds in told.items() if holds)


# -- permissions, objects, fields


def _permission_rows(org: "EmulatedOrg", query: "Query", asker: int) -> Iterator[Row]:
    held = org.access.of(asker).rights.permissions
    yield {f"{PREFIX}{name}": 1 for name in held}


def _entity_rows(org: "EmulatedOrg", query: "Query", asker: int) -> Iterator[Row]:
    entities = org.store.execute('SELECT "QualifiedApiName", "Id", "DurableId" FROM "EntityDefinition"')
    for user in _users(query):
        access = org.access.of(user)
        for name, number, durable in entities:
            yield {
                "UserId": user,
                "EntityDefinitionId": number,
                "DurableId": f"{durable}.{ids.to_text(user)}",
                **_entity_flags(org.schema[name], access.schema.get(name)),
            }


def _entity_flags(whole: SObject, seen: SObject | None) -> Row:
    if seen is None:
        return {}
    return {
        "IsCreatable": int(seen.createable),
        "IsDeletable": int(seen.deletable),
        "IsEditable": int(seen.updateable),
        "IsFlsUpdatable": int(any(each.permissionable for each in whole.fields.values())),
        "IsMergeable": int(bool(whole.flags.get("mergeable")) and seen.deletable),
        "IsReadable": 1,
        "IsUndeletable": int(seen.undeletable),
        "IsUpdatable": int(seen.updateable),
        "IsActivateable": int(bool(whole.flags.get("activateable"))),
    }


def _field_rows(org: "EmulatedOrg", query: "Query", asker: int) -> Iterator[Row]:
    fields = org.store.execute(
        'SELECT e."QualifiedApiName", e."Id", f."QualifiedApiName", f."DurableId" FROM "FieldDefinition" f '
        'JOIN "EntityDefinition" e ON e."Id" = f."EntityDefinitionId"'
    )
    for user in _users(query):
        access = org.access.of(user)
        for entity, number, name, durable in fields:
            sobject = access.schema.get(entity)
            field = sobject.field(name) if sobject else None
            yield {
                "UserId": user,
                "EntityDefinitionId": number,
                "FieldDefinitionId": durable,
                "DurableId": f"{durable}.{ids.to_text(user)}",
                "IsAccessible": int(field is not None),
                "IsCreatable": int(bool(field and sobject and field.createable and sobject.createable)),
                "IsUpdatable": int(bool(field and sobject and field.updateable and sobject.updateable)),
            }


ANSWERS: Final[dict[str, tuple[str, Answer]]] = {
    "userrecordaccess": ("UserRecordAccess", _record_rows),
    "userpermissionaccess": ("UserPermissionAccess", _permission_rows),
    "userentityaccess": ("UserEntityAccess", _entity_rows),
    "userfieldaccess": ("UserFieldAccess", _field_rows),
}
