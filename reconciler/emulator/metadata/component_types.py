"""What a type of metadata component promises, and the type for everything that has no module of its own.

The Metadata API knows a component by its type and full name, and its content as a tree. Where the
content lives is the type's own affair: a permission set is rows, a custom field is schema, a layout
is nothing but its tree. `component_type` answers the type for a name; one that is not registered
keeps its trees as they came (`StoredType`).

Trees hold no `fullName`: the name is given beside them (`Account.Tier__c` for a part of an object).
Content of its own (a class's body, a static resource) is the element `content`, base64, as the WSDL
has it. The files of a bundle are elements `bundleFile` with `path`, below the bundle's folder, and
`source`, base64. A whole that is made of components (an object of its fields) is taken apart before
it is written and put together after it was read (`composed`): neither `read` nor `write` of the whole
sees its parts, which are components of their own types. Deleting the whole deletes its parts.

Source: Metadata API Developer Guide, "Metadata Types", and its WSDL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from reconciler.emulator import ids
from reconciler.emulator.components import to_xml
from reconciler.emulator.metadata_xml import Tree

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction


class ComponentProblem(Exception):
    """Why a component cannot be written or deleted, in Salesforce's words.

    A deploy shows it as the component's failure, the calls for single components as an error of the
    result with ``status_code``. ``line`` and ``column`` are in the component's file.
    """

    def __init__(
        self,
        problem: str,
        *,
        status_code: str = "INVALID_CROSS_REFERENCE_KEY",
        fields: Sequence[str] = (),
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status_code = status_code
        self.fields = tuple(fields)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a component. ``changed`` is False when it was so already."""

    id: str
    created: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Who made a component and who changed it last; ids are 18 characters, times milliseconds."""

    id: str
    created_ms: int
    created_by: str
    modified_ms: int
    modified_by: str


class ComponentType(Protocol):
    """One type of components. Everything is asked of the live org, nothing is remembered here."""

    @property
    def name(self) -> str:
        """As the API spells it: `CustomField`."""

    def names(self, org: "EmulatedOrg") -> list[str]:
        """Full names of all components, in their order."""

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        """The component as it is now; None when there is none of the name, without regard to case."""

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        """Make or replace the component. Raises `ComponentProblem`; then the caller undoes what was done."""

    def delete(self, tx: "Transaction", full_name: str) -> str:
        """Delete the component; its id. Raises `ComponentProblem` when it is not there or in use."""

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        """Give the component another full name. Raises `ComponentProblem`."""

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        """Id and stamps of a component that is there."""


def no_component(type_name: str, full_name: str) -> ComponentProblem:
    """The problem of naming a component that is not there."""
    return ComponentProblem(f"no {type_name} named {full_name} found")


@dataclass(frozen=True, slots=True)
class StoredType:
    """A type whose components are nothing but their trees, kept by `org.components`."""

    name: str

    def names(self, org: "EmulatedOrg") -> list[str]:
        return org.components.names(self.name)

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        tree = org.components.tree(self.name, full_name)
        if tree is not None:
            tree.pop("fullName", None)
        return tree

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        return write_stored(tx, self.name, full_name, tree)

    def delete(self, tx: "Transaction", full_name: str) -> str:
        facts = self.facts(tx.org, full_name)
        if facts is None:
            raise no_component(self.name, full_name)
        tx.org.components.remove(self.name, full_name)
        return facts.id

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        if self.read(tx.org, old) is None:
            raise no_component(self.name, old)
        if old.lower() != new.lower() and self.read(tx.org, new) is not None:
            raise ComponentProblem(f"{new} is already in use", status_code="DUPLICATE_DEVELOPER_NAME")
        tx.org.components.rename(self.name, old, new)

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        return stored_facts(org, self.name, full_name)


def write_stored(tx: "Transaction", kind: str, full_name: str, tree: Tree) -> Written:
    """Keep a tree as `StoredType` does; types that live elsewhere keep beside it what rows do not hold."""
    org = tx.org
    known = org.components.tree(kind, full_name)
    same = known is not None and {**known, "fullName": []} == {**tree, "fullName": []}
    if not same:
        org.components.put(kind, full_name, to_xml(kind, tree), tx.stamp, tx.user)
    facts = stored_facts(org, kind, full_name)
    return Written(facts.id if facts else "", created=known is None, changed=not same)


def stored_facts(org: "EmulatedOrg", kind: str, full_name: str) -> Facts | None:
    """Id and stamps of what `org.components` keeps."""
    found = org.components.facts(kind, full_name)
    if found is None:
        return None
    admin = org.admin_number
    return Facts(
        "" if found.id is None else ids.to_text(found.id),
        found.created,
        ids.to_text(found.created_by or admin),
        found.modified,
        ids.to_text(found.modified_by or admin),
    )


_REGISTERED: dict[str, ComponentType] = {}


def register(component: ComponentType) -> None:
    """Let ``component`` answer for its type from now on."""
    _REGISTERED[component.name] = component


def component_type(name: str) -> ComponentType:
    """The type of this exact name; a name nobody registered is a `StoredType`.

    Whether Salesforce has such a type is `described.TYPES`'s affair.
    """
    import_module(f"{__package__}.types")
    return _REGISTERED.get(name) or StoredType(name)
