"""The access of each user of an org, kept until a permission row or the schema changes."""

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .. import ids
from ..errors import ApiError
from ..schema import Schema, SObject
from ..tables import Table
from . import rights as rows
from .governed import MODIFY_ALL, VIEW_ALL
from .reach import reach_of
from .rights import Rights
from .sharing_rules import SharingRule, read_rules
from .view import View, narrowed, view_of

if TYPE_CHECKING:
    from ..org import EmulatedOrg

KEPT_VIEWS: Final = 32


def not_supported(name: str) -> ApiError:
    """The refusal to know an object that is not there for the user."""
    return ApiError(f"sObject type '{name}' is not supported.", code="INVALID_TYPE", fields=[])


class UserAccess:
    """What one user may see and do, as of one moment."""

    def __init__(self, org: "EmulatedOrg", user: int, rights: Rights, view: Callable[[Rights], View]) -> None:
        self._org = org
        self.user = user
        self.rights = rights
        self._make_view = view
        self._tables: dict[str, Table] = {}
        self._rules: dict[str, list[SharingRule]] | None = None

    @cached_property
    def view(self) -> View:
        """Made when somebody asks: to sign in, the rights are enough."""
        return self._make_view(self.rights)

    @cached_property
    def reach(self) -> list[int]:
        """Users and groups that stand for the user where rows are owned or shared."""
        return reach_of(self._org.store, self.user)

    def rules(self, sobject: str) -> list[SharingRule]:
        """The sharing rules of an object that share with the user."""
        if self._rules is None:
            reach = set(self.reach)
            self._rules = {
                name: [each for each in rules if each.group in reach]
                for name, rules in self._org.access.sharing_rules().items()
            }
        return self._rules.get(sobject, [])

    @property
    def schema(self) -> Schema:
        """The objects and fields that the user sees."""
        return self.view.schema

    def has(self, permission: str) -> bool:
        """Whether the user has a system permission (`ApiEnabled`)."""
        return permission in self.rights.permissions

    def has_any(self, *permissions: str) -> bool:
        return not self.rights.permissions.isdisjoint(permissions)

    def may(self, sobject: SObject, bit: int) -> bool:
        return bool(self.view.bits.get(sobject.name, 0) & bit)

    def sees_all(self, sobject: SObject) -> bool:
        """Whether sharing hides no row of the object from the user."""
        return self.may(sobject, VIEW_ALL | MODIFY_ALL)

    @cached_property
    def unlimited(self) -> bool:
        """Whether no row needs to be checked: the administrator, while no field is hidden by a permission."""
        return self.view.open and all(bits & MODIFY_ALL for bits in self.view.bits.values())

    def table(self, table: Table) -> Table:
        """The table as a client's values are read by it. Raises for an object that the user does not see."""
        seen = self.schema.get(table.name)
        if seen is None:
            raise not_supported(table.name)
        if seen is table.sobject:
            return table
        made = self._tables.get(table.name)
        if made is None:
            made = self._tables[table.name] = narrowed(table, seen)
        return made


class Access:
    """Finds the access of users; one an org."""

    def __init__(self, org: "EmulatedOrg") -> None:
        self._org = org
        self._users: dict[int, tuple[tuple[int, int], UserAccess]] = {}
        self._rules: tuple[tuple[int, int], dict[str, list[SharingRule]]] | None = None
        self._views: OrderedDict[tuple[int, Rights], View] = OrderedDict()

    def of(self, user: int | str) -> UserAccess:
        """The access of a user, by id. Costs one small query when nothing changed since."""
        number = user if isinstance(user, int) else ids.parse(user) or 0
        as_of = (rows.version(self._org.store), self._org.schema.version)
        kept = self._users.get(number)
        if kept is not None and kept[0] == as_of:
            return kept[1]
        made = UserAccess(self._org, number, rows.read_rights(self._org, number), self._view)
        self._users[number] = as_of, made
        return made

    def sharing_rules(self) -> dict[str, list[SharingRule]]:
        """All rules of the org by object; read when something changed that they follow from."""
        as_of = (rows.version(self._org.store), self._org.schema.version)
        if self._rules is None or self._rules[0] != as_of:
            self._rules = as_of, read_rules(self._org)
        return self._rules[1]

    def _view(self, rights: Rights) -> View:
        """The view of these rights; users with the same rights share one, and the queries compiled by it."""
        key = (self._org.schema.version, rights)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = view_of(self._org.schema, rights)
            if len(self._views) > KEPT_VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return view
