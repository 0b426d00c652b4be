"""Fields of Tooling objects that are no columns: `FullName`, `Metadata`, `Coverage` and the like.

They are taken out of a query before it is compiled and filled in row by row. `Metadata` is the
component's tree as JSON; what is neither component nor column (coverage, details of a deploy)
is kept as JSON in `_virtual`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import ids
from ..metadata.component_types import component_type
from ..schema import Field
from ..soql.tree import Item, Path, Query, Selected
from . import components_of_rows, json_form

if TYPE_CHECKING:
    from ..org import EmulatedOrg

METADATA = frozenset(["metadata", "fullname"])
"""The fields that hold a component; of most objects they may be read of one row only."""
WITHOUT_METADATA = frozenset(["InstalledSubscriberPackage"])
"""Objects that are made of components and do not show them."""
NAMED_IN_LISTS = frozenset(["RecordType"])
"""Objects whose `FullName` may be asked of many rows: CumulusCI lists all record types so."""
KEPT: dict[str, tuple[str, ...]] = {
    "ApexCodeCoverage": ("Coverage",),
    "ApexCodeCoverageAggregate": ("Coverage",),
    "ApexClass": ("SymbolTable",),
    "ApexClassMember": ("Content", "FullName", "Metadata", "SymbolTable"),
    "ApexTriggerMember": ("Content", "FullName", "Metadata", "SymbolTable"),
    "ApexPageMember": ("Content", "FullName", "Metadata"),
    "ContainerAsyncRequest": ("CompilerErrors", "DeployDetails"),
    "SubscriberPackageVersion": (
        "CspTrustedSites", "Dependencies", "InstallValidationStatus", "Profiles", "RemoteSiteSettings",
    ),
    "PackageInstallRequest": ("Errors", "ProfileMappings"),
}  # fmt: skip
"""Complex values that are kept as they were written; null until then."""
UNMANAGED = frozenset(
    ["ApexClass", "ApexComponent", "ApexPage", "ApexTrigger", "NamedCredential", "StaticResource"]
)
"""Objects of the data API that have `ManageableState` here only; nothing is of a package."""
DDL = (
    "CREATE TABLE IF NOT EXISTS _virtual (row INTEGER NOT NULL, field TEXT NOT NULL COLLATE NOCASE, "
    "value TEXT NOT NULL, PRIMARY KEY (row, field)) WITHOUT ROWID"
)


def names(sobject: str) -> tuple[str, ...]:
    """The fields of an object that are no columns."""
    has_metadata = components_of_rows.component_of(sobject) and sobject not in WITHOUT_METADATA
    own = ("FullName", "Metadata") if has_metadata else ()
    state = ("ManageableState",) if sobject in UNMANAGED else ()
    return (*own, *state, *KEPT.get(sobject, ()))


def fields(sobject: str) -> list[Field]:
    """As describe tells of them."""
    plain: dict[str, Any] = {
        "filterable": False,
        "sortable": False,
        "groupable": False,
        "aggregatable": False,
    }
    return [
        Field(name="FullName", type="string", label="Full Name", length=255, **plain)
        if name == "FullName"
        else Field(name=name, type="picklist", label="Package State", length=40, **plain)
        if name == "ManageableState"
        else Field(name=name, type="complexvalue", label=name, **plain)
        for name in names(sobject)
    ]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The fields of a query that are filled in, with their places among its selected ones."""

    places: tuple[tuple[int, str], ...]
    adds_id: bool

    def single(self, sobject: str) -> bool:
        """Whether the query may find one row only."""
        named = {name.lower() for _, name in self.places}
        return "metadata" in named or ("fullname" in named and sobject not in NAMED_IN_LISTS)

    def without(self, tree: Query) -> Query:
        taken = {at for at, _ in self.places}
        left: list[Selected] = [each for at, each in enumerate(tree.selected) if at not in taken]
        if self.adds_id:
            left.append(Item(Path(("Id",), tree.at), None, tree.at))
        return replace(tree, selected=tuple(left))

    def filled(self, record: dict[str, Any], value: Callable[[str, str], Any]) -> dict[str, Any]:
        """The record with the values put in their places."""
        row = str(record["Id"])
        entries = [entry for entry in record.items() if not (self.adds_id and entry[0] == "Id")]
        for at, name in self.places:
            entries.insert(at + 1, (name, value(name, row)))
        return dict(entries)


def wanted(tree: Query) -> Wanted | None:
    """What a query asks for that is no column; None when there is nothing."""
    spelled = {name.lower(): name for name in names(_root(tree))}
    places: list[tuple[int, str]] = []
    has_id = False
    for at, item in enumerate(tree.selected):
        last = _own_name(tree, item)
        if last in spelled:
            places.append((at, spelled[last]))
        has_id = has_id or last == "id"
    return Wanted(tuple(places), adds_id=not has_id) if places else None


def _root(tree: Query) -> str:
    name = tree.source.text.lower()
    known = {*components_of_rows.ALL, *KEPT}
    return next((each for each in known if each.lower() == name), "")


def _own_name(tree: Query, item: Selected) -> str:
    """The lower-case name of a field of the root that an item is; empty for anything else."""
    if not isinstance(item, Item) or not isinstance(item.expression, Path):
        return ""
    parts = [each.lower() for each in item.expression.parts]
    if len(parts) == 2 and parts[0] in (tree.source.text.lower(), (tree.alias or "").lower()):
        parts = parts[1:]
    return parts[0] if len(parts) == 1 else ""


def value(org: "EmulatedOrg", sobject: str, name: str, record_id: str) -> Any:
    """The value of one such field of one row."""
    number = ids.parse(record_id) or 0
    if name in KEPT.get(sobject, ()):
        return kept(org, number, name)
    if name == "ManageableState":
        return "unmanaged"
    component = components_of_rows.component_of(sobject)
    full_name = components_of_rows.full_name(org, sobject, number)
    if component is None or full_name is None:
        return None
    if name == "FullName":
        return full_name
    tree = component_type(component).read(org, full_name)
    return (
        None if tree is None else json_form.to_json(components_of_rows.written_as(sobject) or component, tree)
    )


def keep(org: "EmulatedOrg", number: int, name: str, told: Any) -> None:
    """Keep a complex value with a row."""
    org.store.ensure_table(DDL)
    org.store.execute("INSERT OR REPLACE INTO _virtual VALUES (?, ?, ?)", (number, name, json.dumps(told)))


def kept(org: "EmulatedOrg", number: int, name: str) -> Any:
    org.store.ensure_table(DDL)
    found = org.store.execute("SELECT value FROM _virtual WHERE row = ? AND field = ?", (number, name))
    return json.loads(found[0][0]) if found else None
