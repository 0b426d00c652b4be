"""What names mean in one SELECT: paths to columns, and the joins the paths need.

A path leads through parents to a row. Where the reference points to one object, that row is a
LEFT JOIN, made once however many paths share it. Where it may point to several (`Owner`, `Who`,
`What`), the row is one of them by the key prefix of the id, and only the fields of Salesforce's
Name object are there: each is a CASE over the targets with a look-up by primary key, which costs
nothing for the targets that are not it and has no limit of tables as joins would.

Source: SOQL and SOSL Reference, "Relationship Queries", "Polymorphic Relationships in SOQL".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from .. import ids
from ..access.share_rows import rows_sql
from ..access.shares import parent_of
from ..access.sharing import filter_sql
from ..formula.columns import column_sql
from ..schema import Field, Schema, SObject
from ..store import quoted
from . import limits
from .moments import Calendar
from .refusals import malformed, no_such_column, no_such_parent
from .tree import Path

if TYPE_CHECKING:
    from ..org import EmulatedOrg

NAME_OBJECT: Final = "Name"
TEXT_TYPES: Final = frozenset(
    {
        "string",
        "textarea",
        "picklist",
        "multipicklist",
        "combobox",
        "phone",
        "email",
        "url",
        "encryptedstring",
    }
    | {"anyType", "complexvalue", "DataCategoryGroupReference"}
)
TYPE_FIELD: Final = Field(name="Type", type="picklist", label="Type")
NAME_FIELDS: Final = frozenset(
    {"id", "name", "type", "alias", "email", "firstname", "lastname", "isactive", "phone", "title"}
    | {"username", "profileid", "userroleid", "recordtypeid"}
)
SUNDAY: Final = 6
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(slots=True)
class Asking:
    """One query being compiled: for whom, when, and what it has used up so far."""

    org: "EmulatedOrg"
    user_id: str
    version: str
    all_rows: bool
    now_ms: int
    schema: Schema
    """What the names mean; the Tooling API has another than the org's own."""
    params: list[Any] = field(default_factory=list)
    aliases: int = 0
    parents: int = 0
    semi_joins: int = 0
    lasting: bool = True
    """False once the statement depends on the user or the time, so that it may not be kept."""
    _numbers: dict[tuple[type, Any], int] = field(default_factory=dict)
    _calendar: Calendar | None = None

    @property
    def api(self) -> float:
        try:
            return float(self.version.lstrip("v"))
        except ValueError:
            return float("inf")

    def alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"

    def bind(self, value: Any) -> str:
        """A placeholder for a value; numbered, so that parts may be put together in any order.

        The same value has the same placeholder, so that equal expressions are equal as SQL.
        """
        key = (type(value), value)
        number = self._numbers.get(key)
        if number is None:
            self.params.append(value)
            number = self._numbers[key] = len(self.params)
        return f"?{number}"

    @property
    def user(self) -> int | None:
        self.lasting = False
        return ids.parse(self.user_id)

    def calendar(self) -> Calendar:
        """The user's calendar, read once a query."""
        self.lasting = False
        if self._calendar is None:
            self._calendar = Calendar(
                datetime.fromtimestamp(self.now_ms / 1000, UTC),
                zone=self._zone(),
                first_weekday=SUNDAY,
                fiscal_month=self._fiscal_month(),
            )
        return self._calendar

    def _zone(self) -> tzinfo:
        try:
            return ZoneInfo(str(self._value("User", "TimeZoneSidKey", ids.parse(self.user_id))))
        except (KeyError, ValueError, OSError):
            return UTC

    def _fiscal_month(self) -> int:
        month = self._value("Organization", "FiscalYearStartMonth", ids.parse(self.org.org_id))
        if isinstance(month, str):
            return MONTHS.index(month) + 1 if month in MONTHS else 1
        return month if isinstance(month, int) and 1 <= month <= 12 else 1

    def _value(self, sobject: str, name: str, row: int | None) -> Any:
        found = self.schema.get(sobject)
        if found is None or found.field(name) is None:
            return None
        rows = self.org.store.execute(
            f'SELECT {quoted(name)} FROM {quoted(found.name)} WHERE "Id" = ?', (row,)
        )
        return rows[0][0] if rows else None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of one object, under a table alias. ``names`` is the path to it from the root."""

    sobject: SObject
    alias: str
    names: tuple[str, ...] = ()

    @property
    def entity(self) -> str:
        return self.sobject.name

    @property
    def id_sql(self) -> str:
        return f'{self.alias}."Id"'

    def get(self, name: str) -> tuple[Field, str] | None:
        found = self.sobject.field(name)
        if found is None:
            return None
        if found.computed:
            return found, column_sql(self.sobject.name, found, self.id_sql)
        if not found.stored:
            return found, "NULL"
        sql = f"{self.alias}.{quoted(found.name)}"
        return found, f"IFNULL({sql}, 0)" if found.type == "boolean" and self.names else sql

    def reference(self, relationship: str) -> tuple[Field, str] | None:
        found = self.sobject.parent_path(relationship)
        return None if found is None else (found, f"{self.alias}.{quoted(found.name)}")


@dataclass(frozen=True, slots=True)
class AnyRow:
    """A row of whatever object an id points to. ``key_sql`` is the reference."""

    key_sql: str
    targets: tuple[SObject, ...]
    names: tuple[str, ...]

    entity: str = NAME_OBJECT

    @property
    def id_sql(self) -> str:
        return self._pick({each.name: '"Id"' for each in self.targets})

    def get(self, name: str) -> tuple[Field, str] | None:
        wanted = name.lower()
        if wanted not in NAME_FIELDS:
            return None
        if wanted == "type":
            return TYPE_FIELD, f"({self._pick(self._type_names())} COLLATE NOCASE)"
        found = {each.name: each.field(name) or _name_field(each, wanted) for each in self.targets}
        having = {target: field for target, field in found.items() if field is not None and field.stored}
        if not having:
            return None
        sample = next(iter(having.values()))
        sql = self._pick({target: quoted(each.name) for target, each in having.items()})
        if sample.type in TEXT_TYPES:
            sql = f"({sql} COLLATE NOCASE)"
        elif sample.type == "boolean":
            sql = f"IFNULL({sql}, 0)"
        return (replace(sample, name="Name") if wanted == "name" else sample), sql

    def reference(self, relationship: str) -> tuple[Field, str] | None:
        found = {each.name: each.parent_path(relationship) for each in self.targets}
        having = {
            target: field
            for target, field in found.items()
            if field is not None and field.name.lower() in NAME_FIELDS
        }
        if not having:
            return None
        sql = self._pick({target: quoted(each.name) for target, each in having.items()})
        return next(iter(having.values())), sql

    def _type_names(self) -> dict[str, str]:
        names = {each.name: f"'{each.name}'" for each in self.targets}
        if "Group" in names:
            names["Group"] = "CASE \"Type\" WHEN 'Queue' THEN 'Queue' ELSE 'Group' END"
        return names

    def _pick(self, columns: dict[str, str]) -> str:
        """The column of the row that is there; null for the objects that ``columns`` leaves out."""
        cases = [
            f"WHEN {ids.make(each.key_prefix, 0) >> ids.SERIAL_BITS} THEN "
            f'(SELECT {columns[each.name]} FROM {quoted(each.name)} WHERE "Id" = {self.key_sql})'
            for each in self.targets
            if each.key_prefix and each.name in columns
        ]
        if not cases:
            return "NULL"
        return f"(CASE ({self.key_sql}) >> {ids.SERIAL_BITS} {' '.join(cases)} END)"


def table_sql(asking: Asking, sobject: SObject) -> str:
    """What to read the rows of an object from: its table, or a SELECT that makes more of it."""
    if parent_of(sobject) is None:
        return quoted(sobject.name)
    asking.lasting = False
    return rows_sql(asking.org, asking.org.schema[sobject.name], asking.bind)


Place: TypeAlias = Row | AnyRow


def _name_field(sobject: SObject, wanted: str) -> Field | None:
    if wanted != "name":
        return None
    return next((each for each in sobject.fields.values() if each.name_field), None)


@dataclass(frozen=True, slots=True)
class Column:
    """What a path or a function comes to: SQL, the field that says its type, the row it is on."""

    sql: str
    field: Field
    place: Place
    at: int
    derived: bool = False
    """Whether a function made it, so that the field's own marks no longer hold."""

    @property
    def path(self) -> str:
        return ".".join((*self.place.names, self.field.name))


class Scope:
    """The names of one SELECT, from its root object."""

    def __init__(self, asking: Asking, root: SObject, names: Sequence[str | None] = ()) -> None:
        self.asking = asking
        self.root = Row(root, asking.alias())
        self.joins: list[str] = []
        self._places: dict[tuple[str, ...], Place] = {(): self.root}
        self._aliases: dict[str, tuple[str, ...]] = {name.lower(): () for name in names if name}

    def name_path(self, alias: str, path: Path) -> None:
        """Give a path a name of its own: `FROM Contact c, c.Account a`."""
        parts = self._without_prefix(path.parts)
        self._place(parts, path.at)
        self._aliases[alias.lower()] = tuple(parts)

    def column(self, path: Path) -> Column:
        """Raises `Fault` (INVALID_FIELD) for a name that is not there."""
        parts = self._without_prefix(path.parts)
        place = self._place(parts[:-1], path.at)
        return self.on(place, parts[-1], path.at)

    def on(self, place: Place, name: str, at: int) -> Column:
        found = place.get(name)
        if found is None:
            raise no_such_column(name, place.entity, at)
        return Column(found[1], found[0], place, at)

    def from_place(self, place: Place, path: Path) -> Column:
        """A path that begins at another row than the root, as in TYPEOF."""
        for depth, name in enumerate(path.parts[:-1], 1):
            if depth + len(place.names) > limits.PARENT_LEVELS:
                raise _too_deep(path.at)
            place = self._parent(place, name, path.at, key=(*place.names, place.entity))
        return self.on(place, path.parts[-1], path.at)

    def relationship(self, path: Path) -> tuple[Field, str]:
        """The reference field behind a relationship of the root, and its SQL."""
        parts = self._without_prefix(path.parts)
        found = self.root.reference(parts[0]) if len(parts) == 1 else None
        if found is None:
            raise no_such_parent(path.parts[-1], path.at)
        return found

    def place(self, names: Sequence[str]) -> Place:
        """The row that a path of the root leads to; the path was resolved before."""
        return self._places[tuple(name.lower() for name in names)]

    def step(self, start: Place, names: Sequence[str]) -> Place:
        """The row that a path from another row than the root leads to."""
        place = start
        for name in names:
            place = self._parent(place, name, 0, key=(*place.names, place.entity))
        return place

    def shared(self) -> list[str]:
        """The condition that hides the root's rows which the user may not see, if there is one."""
        asking = self.asking
        access = asking.org.access.of(asking.user_id)
        if access.unlimited:
            return []
        hidden = filter_sql(asking.org, access, self.root.sobject, self.root.alias, asking.bind)
        if not hidden:
            return []
        asking.lasting = False
        return [hidden]

    def count_parent(self, at: int) -> None:
        self.asking.parents += 1
        if self.asking.parents > limits.PARENT_PATHS:
            raise malformed(
                f"a query may use at most {limits.PARENT_PATHS} child-to-parent relationships", at
            )

    def join(self, sobject: SObject, key_sql: str, names: tuple[str, ...]) -> Row:
        alias = self.asking.alias()
        self.joins.append(f'LEFT JOIN {quoted(sobject.name)} {alias} ON {alias}."Id" = {key_sql}')
        return Row(sobject, alias, names)

    def _without_prefix(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        first = parts[0].lower()
        if len(parts) == 1:
            return parts
        if first in self._aliases:
            return (*self._aliases[first], *parts[1:])
        if first == self.root.sobject.name.lower() and self.root.sobject.parent_path(first) is None:
            return parts[1:]
        return parts

    def _place(self, names: tuple[str, ...], at: int) -> Place:
        key = tuple(name.lower() for name in names)
        known = self._places.get(key)
        if known is not None:
            return known
        if len(names) > limits.PARENT_LEVELS:
            raise _too_deep(at)
        place = self._parent(self._place(names[:-1], at), names[-1], at, key=())
        self._places[key] = place
        return place

    def _parent(self, place: Place, relationship: str, at: int, key: tuple[str, ...]) -> Place:
        cached = self._places.get((*key, relationship.lower())) if key else None
        if cached is not None:
            return cached
        found = place.reference(relationship)
        if found is None:
            raise no_such_parent(relationship, at)
        self.count_parent(at)
        made = self._lead(*found, names=(*place.names, found[0].relationship_name or relationship))
        if key:
            self._places[(*key, relationship.lower())] = made
        return made

    def _lead(self, reference: Field, key_sql: str, names: tuple[str, ...]) -> Place:
        schema = self.asking.schema
        targets = tuple(schema[each] for each in reference.reference_to if each in schema)
        if len(targets) == 1 and len(reference.reference_to) == 1:
            return self.join(targets[0], key_sql, names)
        return AnyRow(key_sql, targets, names)


def _too_deep(at: int) -> Exception:
    return malformed(f"a relationship path may have at most {limits.PARENT_LEVELS} levels", at)
