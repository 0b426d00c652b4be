"""The emulated org: schema, rows, rules and time behind one object.

Endpoints and tests speak to `EmulatedOrg`; it owns the schema, the store, the clock and the
compiled tables. Kept in a file it is the same org when opened again: its ids, users, rows and the
schema that was added to the standard one.
"""

import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import deletes, ids, standard
from .access import rights, sharing_rules
from .access.checks import is_seen
from .access.questions import answered
from .access.share_rows import find_row
from .access.users import Access
from .additions import Additions
from .clock import Clock
from .components import Components
from .definitions import Definitions
from .due import Due
from .errors import InvalidField, NotFound
from .fresh import UNNAMED, furnish
from .kept_snapshots import KeptSnapshots
from .metadata.jobs import Jobs
from .rules import access as access_rules
from .rules import audited
from .rules import data as data_rules
from .rules import setup as setup_rules
from .rules import shares as share_rules
from .schema import Field, Schema, SObject
from .seeding.report import LoadReport
from .seeding.trees import load_records
from .snapshot import living_rows, take_snapshot
from .store import naming
from .tables import Table, Tables
from .template import bring_up_to_date, open_store
from .value_rows import ValueRows
from .values import writer
from .writes import Transaction

if TYPE_CHECKING:
    from .formula.engine import FormulaStore
    from .soql.run import QueryResult

setup_rules.register()
access_rules.register()
data_rules.register()
share_rules.register()
audited.register()


MADE_WHEN_ASKED = ("apex", "cron", "flow", "namedcredential", "staticresource")
"""What the name of an object or a query holds that is about rows that `tooling.data_views` makes."""


class EmulatedOrg:
    """One org. ``path`` None keeps it in memory; a file that exists is opened as it was left."""

    def __init__(
        self, path: str | Path | None = None, *, clock: Clock | None = None, name: str = UNNAMED
    ) -> None:
        self.clock = clock or Clock()
        self.store = open_store(path)
        self.schema: Schema = standard.load()
        self.tables = Tables(self.schema)
        self._facts: dict[str, str] = {}
        self.additions = Additions(self.schema, self.store)
        self.components = Components(self.store)
        self.jobs = Jobs(self.store)
        self.definitions = Definitions(self.schema, self.store)
        self.value_rows = ValueRows(self.schema, self.store)
        self.access = Access(self)
        self.snapshots = KeptSnapshots(self)
        self.due = Due(self)
        try:
            with naming(self.store.path):
                self._open(name)
        except BaseException:
            self.store.close()
            raise

    def _open(self, name: str) -> None:
        self.store.ensure_table("CREATE TABLE IF NOT EXISTS _org (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        self._generation = self.store.catch_up()
        if not self._reread():
            self._begin(name)
        else:
            bring_up_to_date(self.store)
            rights.install(self.store)

    def _begin(self, name: str) -> None:
        """Make a fresh org, unless another process did so while this one waited."""
        with self.store.transaction():
            if self._reread():
                return
            bring_up_to_date(self.store)
            self.store.ensure_table(deletes.BIN_DDL)
            self.store.execute(deletes.BIN_INDEX)
            rights.install(self.store)
            for key in ("password", "client_secret"):
                self.set_fact(key, secrets.token_urlsafe(18))
            self.set_fact("client_id", "3MVG9" + secrets.token_hex(40))
            furnish(self, name)

    def _reread(self) -> bool:
        """Read what is kept in memory from the store; False while there is no org in it."""
        self._facts = dict(self.store.execute("SELECT key, value FROM _org"))
        if not self._facts:
            return False
        self.reread_schema()
        self.due.watch_all()
        return True

    def reread_schema(self) -> None:
        """Make the schema in memory what the store has noted, whatever became of it since. Costs 1 ms."""
        self.schema.become(standard.load())
        self.additions.reload()

    @cached_property
    def formulas(self) -> "FormulaStore":
        """The org's formulas; the parser of their language is loaded when somebody asks for them."""
        from .formula.engine import FormulaStore

        return FormulaStore(self)

    def formula_gaps(self) -> list[str]:
        """A line for each formula, default, filter and rule that cannot be computed, and why."""
        with self.store.lock:
            unread = sharing_rules.unread(self)
            if not self.additions.changed_objects() and not self.components.names("ValidationRule"):
                return unread
            from .rules import lookup_filters

            return [*self.formulas.gaps(), *lookup_filters.unread(self), *unread]

    # -- facts about the org that are no rows

    def fact(self, key: str, default: str | None = None) -> str:
        """What the org knows of itself. Raises `KeyError` for what is not set, unless there is a default."""
        return self._facts[key] if default is None else self._facts.get(key, default)

    def find_fact(self, key: str) -> str | None:
        """The fact, or None where none was set."""
        return self._facts.get(key)

    def set_fact(self, key: str, value: str) -> None:
        self.store.execute("INSERT OR REPLACE INTO _org VALUES (?, ?)", (key, value))
        self._facts[key] = value

    @property
    def org_id(self) -> str:
        """18 characters, of the one Organization row."""
        return self.fact("org_id")

    @property
    def admin_id(self) -> str:
        return self.fact("admin_id")

    @property
    def admin_number(self) -> int:
        """The administrator's id as the store keeps it."""
        return ids.parse(self.admin_id) or 0

    @property
    def username(self) -> str:
        """Of the administrator; follows the row when it is renamed."""
        (row,) = self.store.execute(
            'SELECT "Username" FROM "User" WHERE "Id" = ?', (ids.parse(self.admin_id),)
        )
        return str(row[0])

    @property
    def password(self) -> str:
        return self.fact("password")

    @property
    def client_id(self) -> str:
        return self.fact("client_id")

    @property
    def client_secret(self) -> str:
        return self.fact("client_secret")

    # -- seeding

    def load(self, *folders: str | Path) -> LoadReport:
        """Load the metadata of project folders: objects, fields, permissions; the rest is kept as XML.

        What cannot be loaded is told in the report; only a folder that is not there raises
        `NotADirectoryError`. Costs some 2 ms a field. Records are loaded apart, by `load_records`.
        """
        from .seeding.source import load_source

        report = LoadReport()
        for folder in folders:
            load_source(self, Path(folder), report)
        return report

    def load_records(self, *paths: str | Path) -> LoadReport:
        """Load record trees: import plans, `{"records": …}` files, or folders that hold them."""
        report = LoadReport()
        for path in paths:
            load_records(self, Path(path), report)
        return report

    def set_license_total(self, name: str, total: int) -> None:
        """How many users may have a user licence, or a permission set licence, by its label."""
        self.store.execute('UPDATE "UserLicense" SET "TotalLicenses" = ? WHERE "Name" = ?', (total, name))
        self.store.execute(
            'UPDATE "PermissionSetLicense" SET "TotalLicenses" = ? WHERE "MasterLabel" = ?', (total, name)
        )

    # -- writing

    @contextmanager
    def transaction(self, user_id: str | None = None) -> Iterator[Transaction]:
        """One Salesforce transaction of a user (the administrator unless named).

        An exception undoes all of it, what it did to the schema included. Other threads wait until it ends.
        """
        with self.store.lock:
            self.clock.tick()
            self.settle()
            with self.schema_kept(), self.store.transaction():
                self._follow_others()
                yield Transaction(self, ids.parse(user_id or self.admin_id) or 0)

    @contextmanager
    def schema_kept(self) -> Iterator[None]:
        """Around a transaction of the store: when it is undone, the schema in memory follows."""
        version = self.schema.version
        try:
            yield
        except BaseException:
            if self.schema.version != version:
                self.reread_schema()
            raise

    def settle(self) -> None:
        """Follow what other processes wrote, and let happen what time brings. Costs some microseconds."""
        self._follow_others()
        self.due.happen()

    def _follow_others(self) -> None:
        if (generation := self.store.catch_up()) != self._generation:
            self._generation = generation
            self._reread()

    # -- reading

    def retrieve(
        self,
        sobject: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        version: str = "64.0",
        user_id: str | None = None,
    ) -> dict[str, Any]:
        """One row as JSON with its attributes: the named fields, or all of them, as a user sees it.

        The user is the platform unless named, which sees everything. Raises NOT_FOUND for a row that
        is not there, deleted ones included, and INVALID_FIELD for an unknown field.
        """
        table = self.tables[sobject]
        self.settle()
        self._refresh_for(table.name)
        number = ids.parse(record_id)
        found = [] if number is None else self.store.recall(table.select_sql, number)
        if not found and number is not None and (made := find_row(self, table, number)) is not None:
            found = [made]
        if not found:
            raise NotFound
        values = dict(zip(table.columns, found[0], strict=True))
        if values.get("IsDeleted"):
            raise NotFound
        seen = table.sobject if user_id is None else self._seen(table.sobject, values["Id"], user_id)
        wanted = self._wanted(seen, fields)
        return {
            "attributes": attributes(table.name, ids.to_text(values["Id"]), version),
            **{each.name: self._value(table, each, values, version) for each in wanted},
        }

    def _seen(self, sobject: SObject, number: int, user_id: str) -> SObject:
        """The object as a user sees it. Raises NOT_FOUND when the row is hidden."""
        access = self.access.of(user_id)
        if not is_seen(self, access, sobject, number):
            raise NotFound
        return access.schema[sobject.name]

    def _refresh_for(self, wanted: str) -> None:
        """Make anew the rows that follow from schema, components and time, if ``wanted`` may read them."""
        self.definitions.refresh_for(wanted)
        self.value_rows.refresh_for(wanted, self.clock, self.admin_number)
        lowered = wanted.lower()
        if any(word in lowered for word in MADE_WHEN_ASKED):
            from .tooling.data_views import refresh_for

            refresh_for(self, wanted)

    def _wanted(self, sobject: SObject, names: Sequence[str] | None) -> list[Field]:
        if names is None:
            return list(sobject.fields.values())
        wanted = []
        for name in names:
            found = sobject.field(name)
            if found is None:
                raise InvalidField(f"No such column '{name}' on sobject of type {sobject.name}")
            wanted.append(found)
        return wanted

    def _value(self, table: Table, field: Field, values: Mapping[str, Any], version: str) -> Any:
        if field.type == "address":
            return address(field.name, values)
        if field.type == "location":
            return location(field.name, values)
        if field.type == "base64" and values[field.name] is not None:
            record = ids.to_text(values["Id"])
            return f"/services/data/v{version}/sobjects/{table.name}/{record}/{field.name}"
        if field.computed:
            return self.to_json(field, self.formulas.value(table, field, dict(values)), version)
        return self.to_json(field, values.get(field.name), version)

    def to_json(self, field: Field, raw: Any, version: str = "64.0") -> Any:
        """A stored value as JSON shows it. Objects over metadata refer to each other by durable ids."""
        if field.reference_to == ("EntityDefinition",):
            return self.definitions.durable_id(raw)
        return writer(field)(raw)

    def query(
        self, soql: str, *, all_rows: bool = False, user_id: str | None = None, version: str = "64.0"
    ) -> "QueryResult":
        """Run SOQL as a user (the administrator unless named); ``all_rows`` includes deleted rows."""
        from .soql.run import run_query

        self.settle()
        self._refresh_for(soql)
        user = user_id or self.admin_id
        seen = self.access.of(user).schema
        with answered(self, soql, user) if "access" in soql.lower() else nullcontext():
            return run_query(self, soql, all_rows=all_rows, user_id=user, version=version, schema=seen)

    # -- for tests

    def has(self, sobject: str, **fields: Any) -> str:
        """Insert a row as the administrator; its id."""
        with self.transaction() as tx:
            return tx.insert(sobject, fields)

    def rows(self, sobject: str, **where: Any) -> list[dict[str, Any]]:
        """Living rows as JSON values by field, those whose fields equal ``where``, in id order."""
        self.settle()
        return [
            row
            for row in living_rows(self, self.tables[sobject])
            if all(row.get(name) == value for name, value in where.items())
        ]

    def snapshot(self) -> dict[str, Any]:
        """What the org holds, by natural values: equal for orgs that are logically the same.

        Ids, stamps, auto-numbers and the recycle bin are left out; a reference is the natural key of
        the row it points to. Costs some 20 ms for a thousand rows.
        """
        self.settle()
        return take_snapshot(self)

    def fork(self) -> "EmulatedOrg":
        """A copy in memory that goes its own way, a fixed clock included."""
        twin = object.__new__(EmulatedOrg)
        twin.clock = self.clock.copy()
        twin.store = self.store.copy()
        twin.schema = self.schema.copy()
        twin.tables = self.tables.fork(twin.schema)
        twin._facts = dict(self._facts)
        twin._generation = 0
        twin.additions = Additions(twin.schema, twin.store)
        twin.components = Components(twin.store)
        twin.jobs = Jobs(twin.store)
        twin.definitions = Definitions(twin.schema, twin.store)
        twin.value_rows = ValueRows(twin.schema, twin.store)
        twin.access = Access(twin)
        twin.snapshots = self.snapshots.copy_for(twin)
        twin.due = self.due.copy_for(twin)
        return twin

    def become(self, source: sqlite3.Connection, *, keep: Sequence[str]) -> None:
        """Hold what the database of the same org held at another time; the tables in ``keep`` stay."""
        with self.store.lock:
            self.store.become(source, keep)
            bring_up_to_date(self.store)
            self._follow_others()

    def close(self) -> None:
        self.store.close()


def attributes(sobject: str, record_id: str, version: str) -> dict[str, str]:
    """The `attributes` member of a row."""
    return {"type": sobject, "url": f"/services/data/v{version}/sobjects/{sobject}/{record_id}"}


ADDRESS_PARTS = (
    ("city", "City"),
    ("country", "Country"),
    ("geocodeAccuracy", "GeocodeAccuracy"),
    ("latitude", "Latitude"),
    ("longitude", "Longitude"),
    ("postalCode", "PostalCode"),
    ("state", "State"),
    ("street", "Street"),
)
"""Keys of an address as JSON shows it, and the field each is read from after the address's prefix."""


def address(name: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """A compound address from its parts; None when all are empty."""
    prefix = name.removesuffix("Address")
    parts = {key: values.get(prefix + part) for key, part in ADDRESS_PARTS}
    return parts if any(value is not None for value in parts.values()) else None


def location(name: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """A custom geolocation `X__c` from `X__Latitude__s` and `X__Longitude__s`."""
    base = name.removesuffix("__c")
    latitude, longitude = values.get(f"{base}__Latitude__s"), values.get(f"{base}__Longitude__s")
    return None if latitude is None and longitude is None else {"latitude": latitude, "longitude": longitude}
