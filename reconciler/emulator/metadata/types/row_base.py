"""Components that are rows: read from the rows as they are now, written as rows by the platform.

What the rows do not hold (a description, visibilities of applications) stays in the component's stored
tree, and counts only as long as the row is there. Writing goes the same road as a seed
(`seeding.rows`), except that nothing is made up and the first thing that is missing is a problem.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.emulator import deletes, ids
from reconciler.emulator.components import to_xml
from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata.component_types import ComponentProblem, Facts, Written, no_component
from reconciler.emulator.metadata_xml import Tree
from reconciler.emulator.seeding.report import LoadReport
from reconciler.emulator.seeding.rows import Loading
from reconciler.emulator.store import quoted

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

Row = dict[str, Any]


class Strict(Loading):
    """Writing one component: what a seed would report is a problem."""

    makes_up = False

    def __init__(self, tx: "Transaction") -> None:
        super().__init__(tx.org, LoadReport(), tx)

    def problem(self, where: str, what: str) -> None:
        raise ComponentProblem(what)

    def missing(self, where: str, element: str, kind: str, name: str | None) -> None:
        element = "customPermission" if kind == "CustomPermission" else element
        raise ComponentProblem(f"In field: {element} - no {kind} named {name} found")


@dataclass(frozen=True)
class RowType:
    """One type whose components are rows of one object, named by one of its fields."""

    name: str
    sobject: str
    key: str
    where: Mapping[str, Any] = field(default_factory=dict)
    """Stored values that all rows of the type have."""
    held: frozenset[str] = frozenset()
    """Elements that are read from rows; others are kept as they were written."""

    # -- what a type of its own says

    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        """The elements that a row and what hangs on it hold."""
        raise NotImplementedError

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        """Make the row say what the tree says. Raises `ComponentProblem`."""
        raise NotImplementedError

    # -- the promise of component types

    def names(self, org: "EmulatedOrg") -> list[str]:
        where, values = self._where()
        sql = f'SELECT {quoted(self.key)} FROM "{self.sobject}" WHERE {where} ORDER BY 1'  # noqa: S608 - names are ours
        return [row[0] for row in org.store.execute(sql, values) if row[0]]

    def _where(self) -> tuple[str, list[Any]]:
        asked = [f"{quoted(name)} IS ?" for name in self.where]
        return " AND ".join([*asked, "1"]), list(self.where.values())

    def find(self, org: "EmulatedOrg", full_name: str) -> int | None:
        """The row of a component, by its number."""
        where, values = self._where()
        found = org.store.execute(
            f'SELECT "Id" FROM "{self.sobject}" WHERE {quoted(self.key)} = ? AND {where}',  # noqa: S608 - names are ours
            [full_name, *values],
        )
        return found[0][0] if found else None

    def row(self, org: "EmulatedOrg", number: int) -> Row:
        table = org.tables[self.sobject]
        return dict(zip(table.columns, org.store.execute(table.select_sql, (number,))[0], strict=True))

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        number = self.find(org, full_name)
        if number is None:
            return None
        kept = org.components.tree(self.name, full_name) or {}
        own = self.tree(org, number, self.row(org, number))
        others = {name: items for name, items in kept.items() if name not in self.held and name != "fullName"}
        return {**others, **{name: items for name, items in own.items() if items}}

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        before = self.read(tx.org, full_name)
        with refused_as_problem():
            self.put(Strict(tx), full_name, tree)
        others = {name: items for name, items in tree.items() if name not in self.held}
        kept = tx.org.components.tree(self.name, full_name)
        if others != kept and (others or kept):
            tx.org.components.put(self.name, full_name, to_xml(self.name, others), tx.stamp, tx.user)
        after = self.read(tx.org, full_name)
        number = self.find(tx.org, full_name)
        return Written(ids.to_text(number) if number else "", before is None, before != after)

    def delete(self, tx: "Transaction", full_name: str) -> str:
        number = self.find(tx.org, full_name)
        if number is None:
            raise no_component(self.name, full_name)
        with refused_as_problem():
            deletes.delete(tx, tx.tables[self.sobject], number)
        tx.org.components.remove(self.name, full_name)
        return ids.to_text(number)

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        number = self.find(tx.org, old)
        if number is None:
            raise no_component(self.name, old)
        if self.find(tx.org, new) not in (None, number):
            raise ComponentProblem(f"{new} is already in use", status_code="DUPLICATE_DEVELOPER_NAME")
        with refused_as_problem():
            tx.set_fields(tx.tables[self.sobject], number, {self.key: new})
        tx.org.components.rename(self.name, old, new)

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        number = self.find(org, full_name)
        return None if number is None else row_facts(org, number, self.row(org, number))


def row_facts(org: "EmulatedOrg", number: int, row: Row) -> Facts:
    """Id and stamps of a component that is a row."""
    admin = org.admin_number
    changed = row.get("LastModifiedDate") or row.get("SystemModstamp") or 0
    return Facts(
        ids.to_text(number),
        row.get("CreatedDate") or changed,
        ids.to_text(row.get("CreatedById") or admin),
        changed,
        ids.to_text(row.get("LastModifiedById") or admin),
    )


class refused_as_problem:  # noqa: N801 - used as a context manager is
    """A refusal of a row inside is the component's problem outside."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ApiError):
            raise ComponentProblem(
                error.message, status_code=error.code, fields=error.fields or ()
            ) from error


def named(org: "EmulatedOrg", sql: str, *values: Any) -> list[str]:
    """The texts that a query of one column finds."""
    return [row[0] for row in org.store.execute(sql, values) if row[0] is not None]


def flags(**values: Any) -> dict[str, list[Any]]:
    """Elements for stored booleans."""
    return {name: ["true" if value else "false"] for name, value in values.items()}


def texts_of(**values: Any) -> dict[str, list[Any]]:
    """Elements for the values that are there."""
    return {name: [str(value)] for name, value in values.items() if value not in (None, "")}
