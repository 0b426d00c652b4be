"""The values of some standard picklists as rows: stages, statuses, priorities, roles.

They follow the picklists, which deployments and seeds change: the rows are brought up to date when
somebody asks for them and the schema has changed since. A value keeps its id.

Source: Object Reference, "OpportunityStage", "CaseStatus", "LeadStatus", "TaskStatus", "TaskPriority",
"ContractStatus", "OrderStatus", "SolutionStatus".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import ids, lead_conversion
from .rules import data as data_rules
from .schema import PicklistValue, Schema
from .store import Store, quoted

if TYPE_CHECKING:
    from .clock import Clock

PREFIX = "01J"
More = Callable[[PicklistValue], dict[str, Any]]


@dataclass(frozen=True)
class Source:
    """The picklist whose values are rows, and what else a row tells."""

    sobject: str
    picklist: str
    more: More = field(default=lambda value: {"IsDefault": int(value.default)})


def _stage(value: PicklistValue) -> dict[str, Any]:
    rule = data_rules.STAGES.get(value.value, data_rules.OTHER_STAGE)
    probability, category, category_name, closed, won = rule
    return {
        "IsActive": int(value.active),
        "IsClosed": closed,
        "IsWon": won,
        "ForecastCategory": category,
        "ForecastCategoryName": category_name,
        "DefaultProbability": probability,
    }


def _marked(name: str, *values: str) -> More:
    return lambda value: {"IsDefault": int(value.default), name: int(value.value in values)}


def _code(value: PicklistValue) -> dict[str, Any]:
    return {"IsDefault": int(value.default), "StatusCode": value.value.split()[0]}


SOURCES = {
    "CaseStatus": Source("Case", "Status", _marked("IsClosed", data_rules.CLOSED_CASE)),
    "ContractStatus": Source("Contract", "Status", _code),
    "LeadStatus": Source("Lead", "Status", _marked("IsConverted", lead_conversion.CONVERTED)),
    "OpportunityStage": Source("Opportunity", "StageName", _stage),
    "OrderStatus": Source("Order", "Status", _code),
    "PartnerRole": Source("AccountContactRole", "Role", lambda value: {}),
    "SolutionStatus": Source("Solution", "Status", _marked("IsReviewed", "Reviewed")),
    "TaskPriority": Source("Task", "Priority", _marked("IsHighPriority", data_rules.HIGH)),
    "TaskStatus": Source("Task", "Status", _marked("IsClosed", data_rules.CLOSED_TASK)),
}
ASKED = tuple(name.lower() for name in SOURCES)


class ValueRows:
    """The rows of one org's picklist values."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._made_from = -1

    def refresh_for(self, wanted: str, clock: "Clock", user: int) -> None:
        """Bring the rows up to date if ``wanted`` (an object's name or a query) may read them."""
        if self._made_from == self._schema.version or not any(name in wanted.lower() for name in ASKED):
            return
        with self._store.transaction():
            for name, source in SOURCES.items():
                self._refresh(name, source, clock.now_ms() // 1000 * 1000, user)
        self._made_from = self._schema.version

    def _refresh(self, name: str, source: Source, now: int, user: int) -> None:
        picklist = self._schema[source.sobject].fields[source.picklist.lower()].picklist
        known = dict(self._store.execute(f'SELECT "ApiName", "Id" FROM {quoted(name)}'))
        for at, value in enumerate(picklist, 1):
            number = known.pop(value.value, None)
            row = {"MasterLabel": value.label, "ApiName": value.value, "SortOrder": at, **source.more(value)}
            if number is None:
                number = ids.make(PREFIX, self._store.next_serial(PREFIX))
                row |= {"CreatedDate": now, "LastModifiedDate": now, "SystemModstamp": now}
                row |= {"CreatedById": user, "LastModifiedById": user}
            self._put(name, {"Id": number, **row})
        for number in known.values():
            self._store.execute(f'DELETE FROM {quoted(name)} WHERE "Id" = ?', (number,))

    def _put(self, name: str, row: dict[str, Any]) -> None:
        if self._store.execute(f'SELECT 1 FROM {quoted(name)} WHERE "Id" = ?', (row["Id"],)):
            named = ", ".join(f"{quoted(column)} = ?" for column in row)
            sql = f'UPDATE {quoted(name)} SET {named} WHERE "Id" = ?'
            self._store.execute(sql, (*row.values(), row["Id"]))
            return
        listed, marks = ", ".join(map(quoted, row)), ", ".join("?" * len(row))
        self._store.execute(f"INSERT INTO {quoted(name)} ({listed}) VALUES ({marks})", tuple(row.values()))
