"""Rows as the platform itself writes them: stored values, stamps and ids, but no rights and no rules.

`Transaction` (in `writes`) is this and what a user's write has to pass. Rules, loaders and a fresh org
use the methods here for what Salesforce does by itself.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import re
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import ids
from .errors import ApiError
from .schema import Field
from .store import quoted
from .tables import Table

if TYPE_CHECKING:
    from .org import EmulatedOrg


class Rows:
    """Writes of one user at one time, without asking whether they are allowed."""

    def __init__(self, org: "EmulatedOrg", user: int) -> None:
        self.org = org
        self.store = org.store
        self.schema = org.schema
        self.tables = org.tables
        self.user = user
        self.stamp = org.clock.now_ms() // 1000 * 1000
        self._alive: set[int] = set()
        """Rows known to exist, so that many children of one parent look it up once."""

    def write_row(self, table: Table, row: list[Any]) -> int:
        """Give a complete row its id and stamps and store it; only unique keys can still refuse it."""
        prefix = table.sobject.key_prefix or "000"
        number = ids.make(prefix, self.store.next_serial(prefix))
        row[table.position["Id"]] = number
        if table.names_itself and row[table.names_itself] is None:
            row[table.names_itself] = ids.to_text(number)[:15]
        for at, by_user in table.created_stamps:
            if row[at] is None:
                row[at] = self.user if by_user else self.stamp
        try:
            self.store.connection.execute(table.insert_sql, row)
        except sqlite3.IntegrityError as error:
            raise self._duplicate(table, dict(zip(table.columns, row, strict=True)), error) from error
        self._alive.add(number)
        return number

    def system_insert(self, sobject: str, **values: Any) -> int:
        """Add a row as the platform does: stored values, no rules and no rights; its id as a number."""
        table = self.tables[sobject]
        row = table.template.copy()
        for name, value in values.items():
            row[table.position[name]] = value
        if table.name_parts and not values.get("Name"):
            row[table.position["Name"]] = table.person_name(row)
        return self.write_row(table, row)

    def find_row(self, sobject: str, where: Mapping[str, Any]) -> int | None:
        """The first living row with these stored values, by its number."""
        table = self.tables[sobject]
        asked = " AND ".join(
            f"{quoted(name)} {'IS' if each is None else '='} ?" for name, each in where.items()
        )
        sql = f'SELECT "Id" FROM {quoted(table.name)} WHERE {asked}{table.living} ORDER BY "Id" LIMIT 1'
        found = self.store.execute(sql, tuple(where.values()))
        return found[0][0] if found else None

    def put_row(self, sobject: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """As the platform: set the values of the row with this key, or add one."""
        found = self.find_row(sobject, key)
        if found is None:
            return self.system_insert(sobject, **key, **values)
        self.set_fields(self.tables[sobject], found, values)
        return found

    def drop_row(self, sobject: str, key: Mapping[str, Any]) -> None:
        """As the platform: take a row without a recycle bin away, if it is there."""
        found = self.find_row(sobject, key)
        if found is not None:
            self.store.execute(f'DELETE FROM {quoted(sobject)} WHERE "Id" = ?', (found,))

    def own_permission_set(self, profile: int, licence: int) -> int:
        """Make the permission set that holds what a profile grants."""
        name = "X" + ids.to_text(profile)
        return self.system_insert(
            "PermissionSet",
            Name=name,
            Label=name,
            ProfileId=profile,
            IsOwnedByProfile=1,
            IsCustom=0,
            Type="Profile",
            LicenseId=licence,
        )

    def set_fields(
        self, table: Table, number: int, changes: Mapping[str, Any], *, by_user: bool = True
    ) -> None:
        """Store values and move the stamps; those of the last modification only if a user did it."""
        named = {**changes, **self.stamps(table, by_user=by_user)}
        if not named:
            return
        try:
            self.store.connection.execute(table.update_sql(tuple(named)), (*named.values(), number))
        except sqlite3.IntegrityError as error:
            raise self._duplicate(table, {**self.row(table, number), **named}, error) from error

    def stamps(self, table: Table, *, by_user: bool = True) -> dict[str, int]:
        """What a change sets besides its fields: the times, and the user if it is one's."""
        made = {"SystemModstamp": self.stamp}
        if by_user:
            made |= {"LastModifiedDate": self.stamp, "LastModifiedById": self.user}
        return {column: value for column, value in made.items() if column in table.position}

    def row(self, table: Table, number: int) -> dict[str, Any]:
        """The stored values of a row that exists."""
        return dict(zip(table.columns, self.store.execute(table.select_sql, (number,))[0], strict=True))

    def is_living(self, table: Table, number: int) -> bool:
        state = self.store.execute(table.state_sql, (number,))
        return bool(state) and not state[0][0]

    def name_of(self, table: Table, number: int) -> str:
        """What people call a row: its name field, or its id."""
        named = next((field.name for field in table.stored if field.name_field), None)
        return str(self.row(table, number)[named] if named else ids.to_text(number))

    def auto_number(self, table: Table, field: Field) -> str:
        number = self.store.next_serial(f"{table.name}.{field.name}", field.first_number)
        return format_auto_number(field.auto_number or "{0}", number, self.org.clock.now())

    def _duplicate(self, table: Table, values: dict[str, Any], error: sqlite3.IntegrityError) -> ApiError:
        """The DUPLICATE_VALUE for a broken unique index; it names the row that has the value."""
        names = [name.rpartition(".")[2] for name in str(error).partition(": ")[2].split(", ")]
        if names == ["Id"] or not all(name in values for name in names):
            raise error
        where = " AND ".join(f"{quoted(name)} = ?" for name in names)
        sql = f'SELECT "Id" FROM {quoted(table.name)} WHERE {where}{table.living}'
        holder = self.store.execute(sql, [values[name] for name in names])
        return duplicate_value(names, holder[0][0] if holder else None)

    def forget(self, number: int) -> None:
        """A row is gone: references to it are checked anew."""
        self._alive.discard(number)


def duplicate_value(names: list[str], holder: int | None) -> ApiError:
    record_id = ids.to_text(holder)[:15] if holder else "<unknown>"
    named = ", ".join(names) if holder else "<unknown>"
    return ApiError(
        f"duplicate value found: {named} duplicates value on record with id: {record_id}",
        code="DUPLICATE_VALUE",
        fields=[],
    )


AUTO_NUMBER_PART = re.compile(r"\{([^}]*)\}")


def format_auto_number(display: str, number: int, now: datetime) -> str:
    """The text of an auto-number.

    >>> format_auto_number("A-{YYYY}-{0000}", 7, datetime(2031, 5, 4))
    'A-2031-0007'
    """
    dates = {"YYYY": f"{now:%Y}", "YY": f"{now:%y}", "MM": f"{now:%m}", "DD": f"{now:%d}"}

    def part(match: re.Match[str]) -> str:
        inside = match[1]
        return dates.get(inside) or str(number).zfill(len(inside))

    return AUTO_NUMBER_PART.sub(part, display)
