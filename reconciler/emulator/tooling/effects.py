"""What a declared script does to an org: one function an effect.

The words are those of `apex.EFFECTS`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .. import ids
from ..writes import Transaction
from . import schedules
from .schedules import ApexException

Told = Mapping[str, Any]


def carry_out(tx: Transaction, user_id: str, told: Told) -> None:
    """Do one effect. Raises `ApiError` or `ApexException` as the code would."""
    verb = next(each for each in ACTIONS if each in told)
    ACTIONS[verb](tx, user_id, told)


def _insert(tx: Transaction, user_id: str, told: Told) -> None:
    tx.insert(told["insert"], told.get("fields") or {})


def _update(tx: Transaction, user_id: str, told: Told) -> None:
    for record_id in _found(tx, user_id, told["update"], told.get("where")):
        tx.update(told["update"], record_id, told.get("fields") or {})


def _delete(tx: Transaction, user_id: str, told: Told) -> None:
    for record_id in _found(tx, user_id, told["delete"], told.get("where")):
        tx.delete(told["delete"], record_id)


def _found(tx: Transaction, user_id: str, sobject: str, where: str | None) -> list[str]:
    condition = f" WHERE {where}" if where else ""
    found = tx.org.query(f"SELECT Id FROM {sobject}{condition}", user_id=user_id)  # noqa: S608 - SOQL, not SQL
    return [each["Id"] for each in found.records]


def _schedule(tx: Transaction, user_id: str, told: Told) -> None:
    found = tx.find_row("ApexClass", {"Name": told.get("class")}) if told.get("class") else None
    schedules.schedule(tx, told["schedule"], told["cron"], found)


def _abort(tx: Transaction, user_id: str, told: Told) -> None:
    detail = tx.find_row("CronJobDetail", {"Name": told["abort"]})
    found = None if detail is None else tx.find_row("CronTrigger", {"CronJobDetailId": detail})
    if found is None:
        raise ApexException("System.ListException: List index out of bounds: 0")
    schedules.abort(tx, ids.to_text(found))


ACTIONS: dict[str, Callable[[Transaction, str, Told], None]] = {
    "insert": _insert,
    "update": _update,
    "delete": _delete,
    "schedule": _schedule,
    "abort": _abort,
}
