"""The Tooling API's schema over the org's store, and queries against it.

`Tooling` has the objects of `tooling.objects` and those it shares with the data API. Fields that
are no columns (`Metadata`, `FullName`, `Coverage`) are taken out of a query before it is compiled
and filled in afterwards; Salesforce allows the first two only where one row is found.

Source: Tooling API, "FlowDefinition", "ValidationRule"; the extra keys of results as recorded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .. import ids, standard
from ..errors import MalformedQuery
from ..schema import Field, Schema, SObject
from ..soql import tree as soql_tree
from ..soql.parse import parse
from ..soql.refusals import Fault, placed
from ..soql.run import QueryResult, run_query
from ..tables import Tables
from ..writes import Transaction
from . import mirrors, schedules, test_runs, virtual

if TYPE_CHECKING:
    from ..org import EmulatedOrg

AREA = "/tooling"
SHARED = (
    "ApexClass",
    "ApexComponent",
    "ApexLog",
    "ApexPage",
    "ApexTestQueueItem",
    "ApexTestResult",
    "ApexTestResultLimits",
    "ApexTestRunResult",
    "ApexTestSuite",
    "ApexTrigger",
    "AsyncApexJob",
    "AssignmentRule",
    "BusinessHours",
    "CronJobDetail",
    "CronTrigger",
    "CustomPermission",
    "DuplicateRule",
    "EmailTemplate",
    "EntityDefinition",
    "FieldDefinition",
    "FieldPermissions",
    "Folder",
    "Group",
    "ListView",
    "MutingPermissionSet",
    "NamedCredential",
    "ObjectPermissions",
    "Organization",
    "PermissionSet",
    "PermissionSetGroup",
    "PermissionSetGroupComponent",
    "PermissionSetTabSetting",
    "Profile",
    "RecordType",
    "SetupEntityAccess",
    "StaticResource",
    "TestSuiteMembership",
    "User",
    "UserLicense",
    "UserRole",
)
"""Objects of the data API that the Tooling API has too, over the same rows."""
ENTITY_ID = "EntityDefinitionId"


class Tooling:
    """The view of one org; made by `tooling`."""

    def __init__(self, org: "EmulatedOrg") -> None:
        self._org = org
        self._made_from = -1
        self._schema = Schema()
        self._tables = Tables(self._schema)
        self._mirrored: tuple[int, int, int] = (-1, -1, -1)
        self._fresh: set[str] = set()

    @property
    def schema(self) -> Schema:
        """Follows the org's own schema. The tables are made when they are first needed."""
        self.ready()
        if self._made_from != self._org.schema.version:
            made = Schema()
            for each in _own_objects():
                made.add(each.copy())
            for name in SHARED:
                made.add(self._org.schema[name].copy())
            self._schema, self._tables = made, Tables(made)
            self._made_from = self._org.schema.version
        return self._schema

    @property
    def tables(self) -> Tables:
        assert self.schema is not None
        return self._tables

    def ready(self) -> None:
        """Make the tables, if they are not there: new, or gone with a transaction that was undone."""
        if not self._org.store.execute(
            "SELECT 1 FROM sqlite_master WHERE name = ?", (_own_objects()[-1].name,)
        ):
            self._org.store.create_tables(list(_own_objects()))

    # -- reading

    def query(self, soql: str, *, user_id: str, version: str) -> QueryResult:
        """Run SOQL against the view. Raises `ApiError`."""
        org = self._org
        org.settle()
        test_runs.settle(org)
        with org.store.lock:
            tree = _parsed(soql)
            self._refresh(tree)
            org.definitions.refresh_for(soql)
            if "cron" in soql.lower():
                schedules.settle(org)
            wanted = virtual.wanted(tree)
            if not wanted:
                plain = _with_entity_ids(org, tree)
                return self._run(soql, None if plain is tree else plain, user_id, version)
            return self._with_virtual(soql, tree, wanted, user_id, version)

    def _with_virtual(
        self, soql: str, tree: soql_tree.Query, wanted: "virtual.Wanted", user_id: str, version: str
    ) -> QueryResult:
        plain = _with_entity_ids(self._org, wanted.without(tree))
        result = self._run(soql, plain, user_id, version)
        if len(result.records) > 1 and wanted.single(result.sobject):
            raise MalformedQuery(
                "When retrieving results with Metadata or FullName fields, the query qualifications must "
                f"specify no more than one row for retrieval. Result size: {len(result.records)}"
            )
        sobject = self.schema[result.sobject].name
        result.records = [
            wanted.filled(each, lambda name, row: virtual.value(self._org, sobject, name, row))
            for each in result.records
        ]
        return result

    def _run(self, soql: str, tree: soql_tree.Query | None, user_id: str, version: str) -> QueryResult:
        result = run_query(
            self._org,
            soql,
            all_rows=False,
            user_id=user_id,
            version=version,
            tree=tree,
            schema=self.schema,
            area=AREA,
        )
        for record in result.records:
            _with_durable_ids(self._org, record)
        return result

    def _refresh(self, tree: soql_tree.Query) -> None:
        """Make the mirrored rows anew that this query may read."""
        root = self.schema.get(tree.source.text)
        if root is None:
            return
        names = {root.name}
        for field in root.fields.values():
            names.update(field.reference_to)
        names.update(each.child for each in self.schema.children_of(root.name))
        self.refresh(names)

    def refresh(self, names: set[str]) -> None:
        """Make the rows of mirrored objects anew, unless nothing was written since the last time."""
        org = self._org
        now = (org.store.connection.total_changes, org.schema.version, org.store.catch_up())
        if now != self._mirrored:
            self._fresh.clear()
        for name in sorted(names - self._fresh):
            if mirrors.refresh(org, self.tables, name) and not org.store.connection.in_transaction:
                self._fresh.add(name)
        self._mirrored = (org.store.connection.total_changes, org.schema.version, org.store.catch_up())

    def row_number(self, sobject: SObject, record_id: str) -> int | None:
        """The number of a row that is there; None otherwise."""
        self.refresh({sobject.name})
        number = ids.parse(record_id)
        table = self.tables[sobject.name]
        found = [] if number is None else self._org.store.execute(table.state_sql, (number,))
        return number if found and not found[0][0] else None

    # -- writing

    def transaction(self, base: Transaction) -> Transaction:
        """A transaction over the view's tables that shares user, time and store with ``base``."""
        made = Transaction(self._org, base.user)
        made.schema, made.tables = self.schema, self.tables
        return made


_VIEWS: "WeakKeyDictionary[EmulatedOrg, Tooling]" = WeakKeyDictionary()


def tooling(org: "EmulatedOrg") -> Tooling:
    """The Tooling view of an org; the same object as long as the org object lives."""
    found = _VIEWS.get(org)
    if found is None:
        with org.store.lock:
            found = _VIEWS.setdefault(org, Tooling(org))
    return found


def _own_objects() -> tuple[SObject, ...]:
    if not _OWN:
        text = (resources.files(__package__) / "tooling.objects").read_text(encoding="utf-8")
        _OWN.extend(standard.parse(text))
    return tuple(_OWN)


_OWN: list[SObject] = []


def own_fields(sobject: SObject) -> list[Field]:
    """The fields of an object as its describe lists them, those that are no columns included."""
    return [*sobject.fields.values(), *virtual.fields(sobject.name)]


def _parsed(soql: str) -> soql_tree.Query:
    try:
        return parse(soql)
    except Fault as fault:
        raise placed(fault, soql) from None


# -- the ids of objects: names, or ids of custom ones


def _with_durable_ids(org: "EmulatedOrg", record: Mapping[str, Any]) -> None:
    if isinstance(record, dict) and isinstance(record.get(ENTITY_ID), str):
        record[ENTITY_ID] = org.definitions.durable_id(ids.parse(record[ENTITY_ID]))


def _with_entity_ids(org: "EmulatedOrg", tree: soql_tree.Query) -> soql_tree.Query:
    """The query with the names that stand for ids of objects replaced by ids of rows."""
    if tree.where is None or not any(
        each.parts[-1].lower() == ENTITY_ID.lower() for each in _paths(tree.where)
    ):
        return tree
    return replace(tree, where=_entity_condition(org, tree.where))


def _paths(condition: soql_tree.Condition) -> Iterator[soql_tree.Path]:
    if isinstance(condition, soql_tree.And | soql_tree.Or):
        for each in condition.operands:
            yield from _paths(each)
    elif isinstance(condition, soql_tree.Not):
        yield from _paths(condition.operand)
    elif isinstance(condition.left, soql_tree.Path):
        yield condition.left


def _entity_condition(org: "EmulatedOrg", condition: soql_tree.Condition) -> soql_tree.Condition:
    if isinstance(condition, soql_tree.And | soql_tree.Or):
        return replace(condition, operands=tuple(_entity_condition(org, each) for each in condition.operands))
    if isinstance(condition, soql_tree.Not):
        return replace(condition, operand=_entity_condition(org, condition.operand))
    left = condition.left
    if not isinstance(left, soql_tree.Path) or left.parts[-1].lower() != ENTITY_ID.lower():
        return condition
    if isinstance(condition, soql_tree.Comparison):
        return replace(condition, value=_entity_literal(org, condition.value))
    if isinstance(condition, soql_tree.Among):
        return replace(condition, values=tuple(_entity_literal(org, each) for each in condition.values))
    return condition


def _entity_literal(org: "EmulatedOrg", literal: soql_tree.Literal) -> soql_tree.Literal:
    if not isinstance(literal, soql_tree.Text):
        return literal
    number = org.definitions.number_of(literal.value)
    if number is None and (known := org.schema.get(literal.value)) is not None:
        number = org.definitions.number_of(known.name)
    text = ids.to_text(number) if number is not None else ids.to_text(ids.make("4ie", 0))
    return replace(literal, value=text, pattern=text)
