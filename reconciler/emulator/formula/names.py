"""What a name in a formula means: a field of the row, of a row it points to, or a global value.

A path goes through references (`Account.Owner.Name`, `Parent__r.X__c`); where a reference may point to
several objects the path says which one it means (`Owner:User.Id`), and rows of others are blank. A blank
on the way makes the end blank, and a checkbox false.

Global values begin with a dollar sign. Settings of a hierarchy are those of the user, else of the
profile, else of the org, field by field.

Source: Salesforce Help, "Global Variables", "Tips for Working with Custom Settings".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from .. import ids
from ..store import quoted
from .compile import Compiled, Run
from .faults import FormulaError, NotEmulated
from .kinds import Kind, Place, kind_of, reading
from .records import Record, World

if TYPE_CHECKING:
    from ..schema import Field, Schema, SObject

Walk: TypeAlias = Callable[[Record], Record | None]
QUEUE: Final = {"queue": "group"}
"""Words of a path for objects that have another name."""
ZERO: Final = Decimal(0)
ORIGIN: Final = datetime(1900, 1, 1)
API_HOST: Final = "https://emulated.my.salesforce.com"
SERVER_URL: Final = re.compile(r"(partner|enterprise)_server_url_(\d{2,3})", re.IGNORECASE)
THEMES: Final = frozenset(["uitheme", "uithemedisplayed"])
THEME: Final = "Theme4d"
"""What `$User.UITheme` is in Lightning Experience."""
NOT_EMULATED: Final = frozenset(
    {"$action", "$asset", "$browser", "$client", "$component", "$currentpage", "$flow", "$network", "$page"}
    | {"$request", "$resource", "$sandbox", "$site", "$sobjecttype", "$sourcerecord", "$system_context"}
)


class Formulas(Protocol):
    """What names need of the formulas of an org."""

    @property
    def schema(self) -> "Schema": ...

    def calculated(self, sobject: "SObject", field: "Field") -> Run:
        """The function of a field that is a formula or a roll-up. Raises `FormulaError`."""

    def label(self, name: str) -> str | None:
        """The text of a custom label."""


class Names:
    """The names of one formula. ``sobject`` is None where there is no row, as in a default."""

    def __init__(self, formulas: Formulas, sobject: "SObject | None", *, blank_as_zero: bool = False) -> None:
        self._formulas = formulas
        self._sobject = sobject
        self._blank_as_zero = blank_as_zero

    def find(self, text: str, at: int = 0) -> Compiled:
        """Raises `FormulaError` for a name that is not there."""
        return replace(self._find(text, at), name=text)

    def _find(self, text: str, at: int) -> Compiled:
        parts = text.split(".")
        if text.startswith("$"):
            return self._global(parts, text, at)
        if self._sobject is None:
            raise _unknown(text, at)
        return self._path(self._sobject, parts, None, text, at)

    # -- fields

    def _path(self, sobject: "SObject", parts: list[str], walk: Walk | None, text: str, at: int) -> Compiled:
        for part in parts[:-1]:
            if (named := _definition(sobject, part)) is not None and part is parts[-2]:
                return self._defined(sobject, named, parts[-1], walk, text, at)
            reference, target = self._hop(sobject, part, text, at)
            walk = _step(walk, reference.name, target.name)
            sobject = target
        field = sobject.field(parts[-1])
        if field is None:
            raise _unknown(text, at)
        return self._read(sobject, field, walk)

    def _defined(
        self, sobject: "SObject", named: "Field", part: str, walk: Walk | None, text: str, at: int
    ) -> Compiled:
        """A part of the definition that a custom metadata record names; blank where it names none."""
        make = DEFINED.get(part.lower())
        if make is None:
            raise _unknown(text, at)
        found = self._read(sobject, named, walk)
        run = found.run

        def read(record: Record) -> Any:
            value = run(record)
            return None if value is None else make(self._formulas.schema, value)

        return Compiled(Kind.TEXT, read)

    def _hop(self, sobject: "SObject", part: str, text: str, at: int) -> "tuple[Field, SObject]":
        name, _, wanted = part.lower().partition(":")
        reference = sobject.parent_path(name)
        if reference is None:
            raise _unknown(text, at)
        wanted = QUEUE.get(wanted, wanted)
        targets = [each for each in reference.reference_to if not wanted or each.lower() == wanted]
        if not wanted and "User" in targets:
            targets = ["User"]
        target = self._formulas.schema.get(targets[0]) if targets else None
        if target is None:
            if wanted:
                raise FormulaError(
                    f"{wanted} is an invalid object type for the {name} field. Check spelling.", at
                )
            raise _unknown(text, at)
        return reference, target

    def _read(self, sobject: "SObject", field: "Field", walk: Walk | None) -> Compiled:
        kind = kind_of(field)
        run = self._of_row(sobject, field, kind)
        if walk is not None:
            run = _walked(walk, run, False if kind is Kind.BOOLEAN else None)
        if kind is Kind.NUMBER and self._blank_as_zero:
            run = _or_zero(run)
        return Compiled(kind, run, field if walk is None else None)

    def _of_row(self, sobject: "SObject", field: "Field", kind: Kind) -> Run:
        if field.computed:
            return self._formulas.calculated(sobject, field)
        if kind is Kind.PLACE:
            return _place(field.name.removesuffix("__c"))
        name, convert = field.name, reading(field)
        return lambda record: convert(record.values.get(name))

    # -- global values

    def _global(self, parts: list[str], text: str, at: int) -> Compiled:
        first = parts[0].lower()
        if first in NOT_EMULATED:
            raise NotEmulated(f"The global variable {parts[0]}", at)
        if len(parts) < 2:
            raise _unknown(text, at)
        if first == "$user" and len(parts) == 2 and parts[1].lower() in THEMES:
            return Compiled(Kind.TEXT, lambda _: THEME)
        if first in ROWS:
            name, walk = ROWS[first]
            return self._path(self._formulas.schema[name], parts[1:], walk, text, at)
        make = GLOBALS.get(first)
        if make is None:
            raise _unknown(text, at)
        return make(self, parts, text, at)

    def _setup(self, parts: list[str], text: str, at: int) -> Compiled:
        sobject = self._formulas.schema.get(parts[1])
        field = sobject.field(parts[2]) if sobject and len(parts) == 3 else None
        if sobject is None or field is None or not sobject.custom_setting:
            raise _unknown(text, at)
        name, found = sobject.name, self._read(sobject, field, None)
        run, blank = found.run, (False, ZERO) if self._blank_as_zero else (False,)

        def lowest(record: Record) -> Any:
            values = [run(each) for each in _settings(record.world, name)]
            if found.kind is Kind.BOOLEAN:
                return values[0] if values else False
            known = (each for each in values if each is not None)
            return next(known, ZERO if found.kind is Kind.NUMBER and len(blank) > 1 else None)

        return Compiled(found.kind, lowest)

    def _custom_metadata(self, parts: list[str], text: str, at: int) -> Compiled:
        sobject = self._formulas.schema.get(parts[1])
        if sobject is None or len(parts) < 4:
            raise _unknown(text, at)
        name, developer_name = sobject.name, parts[2]

        def walk(record: Record) -> Record | None:
            return _find(record.world, name, "DeveloperName", developer_name)

        return self._path(sobject, parts[3:], walk, text, at)

    def _record_type(self, parts: list[str], text: str, at: int) -> Compiled:
        if self._sobject is None:
            raise _unknown(text, at)
        schema = self._formulas.schema
        return self._path(
            schema["RecordType"], parts[1:], _step(None, "RecordTypeId", "RecordType"), text, at
        )

    def _label(self, parts: list[str], text: str, at: int) -> Compiled:
        label = self._formulas.label(parts[-1])
        if label is None:
            raise _unknown(text, at)
        return Compiled(Kind.TEXT, lambda record: label or None)

    def _permission(self, parts: list[str], text: str, at: int) -> Compiled:
        name = parts[-1]
        return Compiled(Kind.BOOLEAN, lambda record: _has_permission(record.world, name))

    def _api(self, parts: list[str], text: str, at: int) -> Compiled:
        if parts[1].lower() == "session_id":
            return Compiled(Kind.TEXT, lambda record: "SESSION_ID_REMOVED")
        match = SERVER_URL.fullmatch(parts[1])
        if not match:
            raise _unknown(text, at)
        letter = "u" if match[1].lower() == "partner" else "c"
        base = f"{API_HOST}/services/Soap/{letter}/{match[2][:-1]}.{match[2][-1]}/"
        return Compiled(Kind.TEXT, lambda record: base + record.world.org.org_id[:15])

    def _system(self, parts: list[str], text: str, at: int) -> Compiled:
        if parts[1].lower() != "origindatetime":
            raise _unknown(text, at)
        return Compiled(Kind.MOMENT, lambda record: ORIGIN)

    def looked_up(self, answer: str, key: str, wanted: Compiled, at: int) -> Compiled:
        """The field ``answer`` of the row whose ``key`` is a text; both as $ObjectType.X.Fields.Y."""
        (sobject, field), (owner, named) = self._object_field(answer, at), self._object_field(key, at)
        if owner is not sobject or not named.stored:
            raise FormulaError("Incorrect parameter for function 'VLOOKUP()'.", at)
        found = self._read(sobject, field, None)

        def walk(record: Record) -> Record | None:
            value = wanted.run(record)
            return None if value is None else _find(record.world, sobject.name, named.name, value)

        return Compiled(found.kind, _walked(walk, found.run, None))

    def _object_field(self, text: str, at: int) -> "tuple[SObject, Field]":
        parts = text.split(".")
        if len(parts) == 4 and parts[0].lower() == "$objecttype" and parts[2].lower() == "fields":
            sobject = self._formulas.schema.get(parts[1])
            field = sobject.field(parts[3]) if sobject else None
            if sobject is not None and field is not None:
                return sobject, field
        raise _unknown(text, at)


GLOBALS: Final[dict[str, Callable[[Names, list[str], str, int], Compiled]]] = {
    "$setup": Names._setup,
    "$custommetadata": Names._custom_metadata,
    "$recordtype": Names._record_type,
    "$label": Names._label,
    "$permission": Names._permission,
    "$api": Names._api,
    "$system": Names._system,
}
"""Global values that are no row of the user's, by their first word."""


def _unknown(text: str, at: int) -> FormulaError:
    return FormulaError(f"Field {text} does not exist. Check spelling.", at)


# -- walking


def _step(walk: Walk | None, reference: str, target: str) -> Walk:
    targets = (target,)

    def step(record: Record) -> Record | None:
        start = record if walk is None else walk(record)
        return None if start is None else start.world.parent(start.values.get(reference), targets)

    return step


def _walked(walk: Walk, run: Run, otherwise: Any) -> Run:
    def walked(record: Record) -> Any:
        end = walk(record)
        return otherwise if end is None else run(end)

    return walked


def _or_zero(run: Run) -> Run:
    return lambda record: ZERO if (value := run(record)) is None else value


def _place(base: str) -> Run:
    latitude, longitude = f"{base}__Latitude__s", f"{base}__Longitude__s"

    def read(record: Record) -> Place | None:
        one, other = record.values.get(latitude), record.values.get(longitude)
        return None if one is None or other is None else Place(one, other)

    return read


# -- rows that global values are read from


def _user(record: Record) -> Record | None:
    return record.world.row(record.world.user)


def _organization(record: Record) -> Record | None:
    return record.world.row(ids.parse(record.world.org.org_id) or 0)


ROWS: Final[dict[str, tuple[str, Walk]]] = {
    "$user": ("User", _user),
    "$profile": ("Profile", _step(_user, "ProfileId", "Profile")),
    "$userrole": ("UserRole", _step(_user, "UserRoleId", "UserRole")),
    "$organization": ("Organization", _organization),
}


def _find(world: World, sobject: str, column: str, value: str) -> Record | None:
    """The first living row whose column is a text."""
    key = (sobject, column, value)
    if key not in world.known:
        table = world.org.tables[sobject]
        sql = f'SELECT "Id" FROM {quoted(sobject)} WHERE {quoted(column)} = ?{table.living} LIMIT 1'
        found = world.org.store.execute(sql, (value,))
        world.known[key] = world.row(found[0][0]) if found else None
    record: Record | None = world.known[key]
    return record


def _settings(world: World, sobject: str) -> list[Record]:
    """The rows of a hierarchy that count for the user, nearest first."""
    key = ("$setup", sobject)
    if key not in world.known:
        user = world.row(world.user)
        owners = [world.user, user.values.get("ProfileId") if user else None, ids.parse(world.org.org_id)]
        sql = f'SELECT "Id" FROM {quoted(sobject)} WHERE "SetupOwnerId" = ?{world.org.tables[sobject].living}'
        found = [row[0] for owner in owners for row in world.org.store.execute(sql, (owner,))]
        world.known[key] = [record for number in found if (record := world.row(number)) is not None]
    records: list[Record] = world.known[key]
    return records


PERMITTED: Final = (
    'SELECT 1 FROM "PermissionSetAssignment" a '
    'JOIN "SetupEntityAccess" s ON s."ParentId" = a."PermissionSetId" '
    'JOIN "CustomPermission" c ON c."Id" = s."SetupEntityId" '
    'WHERE a."AssigneeId" = ? AND a."IsActive" = 1 AND c."DeveloperName" = ? LIMIT 1'
)
"""A profile's own permission set is assigned to its users as any other."""


def _has_permission(world: World, name: str) -> bool:
    key = ("$permission", name.lower())
    if key not in world.known:
        world.known[key] = bool(world.org.store.execute(PERMITTED, (world.user, name)))
    return bool(world.known[key])


# -- definitions that custom metadata records name


def _definition(sobject: "SObject", part: str) -> "Field | None":
    """The field whose path this is, if it names an object or a field of the schema."""
    lowered = part.lower()
    field = sobject.field(f"{lowered[:-1]}c") if lowered.endswith("__r") else None
    return field if field is not None and field.definition_of is not None else None


def _developer_name(schema: "Schema", value: str) -> str:
    """The name without namespace and suffix."""
    last = value.rpartition(".")[2]
    parts = last.split("__")
    return parts[-2] if len(parts) > 1 else last


def _definition_label(schema: "Schema", value: str) -> str | None:
    owner, _, name = value.partition(".")
    sobject = schema.get(owner)
    field = sobject.field(name) if sobject and name else None
    return field.label if field else sobject.label if sobject else None


DEFINED: "Final[dict[str, Callable[[Schema, str], str | None]]]" = {
    "qualifiedapiname": lambda _, value: value.rpartition(".")[2],
    "durableid": lambda _, value: value,
    "developername": _developer_name,
    "label": _definition_label,
    "masterlabel": _definition_label,
    "namespaceprefix": lambda _, value: value.split("__")[0] if value.count("__") > 1 else None,
}
"""Parts of a definition, from the name that the record has."""
