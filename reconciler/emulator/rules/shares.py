"""Rules of share objects: who may share which row how far, by hand.

A share says more than the org-wide default does, and less than owning the row. It is written by whoever has
the row whole; shares of another cause than Manual, or than a reason of the org's own, follow from owners and
rules and nobody writes them. A row that is shared with somebody twice is one share, as far as the last said.
When a row gets another owner, what was shared by hand is forgotten.

Source: Object Reference, "AccountShare" and its like; Apex Developer Guide, "Creating User Managed Sharing
Using Apex"; the text about a trivial level, and that about levels of accounts, as seen in public reports.
The other texts are not verified.
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.access import sharing
from reconciler.emulator.access.governed import Level
from reconciler.emulator.access.share_rows import WORDS, find_row
from reconciler.emulator.access.shares import level_field, parent_field, parent_of, share_of
from reconciler.emulator.access.sharing_rules import LEVELS
from reconciler.emulator.errors import ApiError

from .hooks import REGISTRY, SHARES, Rules, Values

if TYPE_CHECKING:
    from reconciler.emulator.schema import SObject
    from reconciler.emulator.tables import Table
    from reconciler.emulator.writes import Transaction

MANUAL = "Manual"
BELOW = ("Opportunity", "Case", "Contact")
"""Objects below accounts, in the order that the text about their levels names them."""


def _target(tx: "Transaction", table: "Table") -> "SObject":
    return tx.schema[parent_of(table.sobject) or ""]


def _fill(tx: "Transaction", table: "Table", values: Values) -> None:
    values["RowCause"] = values["RowCause"] or MANUAL
    if table.name != "AccountShare":
        return
    for name in ("Case", "Contact"):
        column = f"{name}AccessLevel"
        values[column] = values[column] or _default_word(tx, tx.schema[name])


def _default_word(tx: "Transaction", sobject: "SObject") -> str:
    model = sharing.model_of(tx.org, sobject)
    level = sharing.PUBLIC.get(model)
    return model if model == sharing.CONTROLLED else "None" if level is None else WORDS[level]


def _check_insert(tx: "Transaction", table: "Table", values: Values) -> None:
    target = _target(tx, table)
    if sharing.model_of(tx.org, target) == sharing.CONTROLLED:
        raise ApiError(
            f"entity type cannot be inserted: {table.sobject.label}",
            code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            fields=[],
        )
    _check_cause(tx, target, values["RowCause"])
    _check_holder(tx, values["UserOrGroupId"])
    _check_levels(tx, table, values)
    _check_whole(tx, table, values[parent_field(table.sobject)])


def _check_cause(tx: "Transaction", target: "SObject", cause: str) -> None:
    if cause == MANUAL:
        return
    reasons = tx.org.components.names("SharingReason")
    if f"{target.name}.{cause.removesuffix('__c')}".lower() in {each.lower() for each in reasons}:
        return
    raise ApiError(
        f"field integrity exception: RowCause (a share of this cause is not written by hand: {cause})",
        code="FIELD_INTEGRITY_EXCEPTION",
        fields=["RowCause"],
    )


def _check_holder(tx: "Transaction", holder: int) -> None:
    if ids.prefix_of(holder) != "005":
        return
    if not tx.row(tx.tables["User"], holder)["IsActive"]:
        raise ApiError(
            f"operation performed with inactive user [{ids.to_text(holder)}]",
            code="INACTIVE_OWNER_OR_USER",
            fields=["UserOrGroupId"],
        )


def _check_levels(tx: "Transaction", table: "Table", values: Values) -> None:
    if table.name == "AccountShare":
        _check_account_levels(tx, values)
        return
    column = level_field(table.sobject)
    default = sharing.PUBLIC.get(sharing.model_of(tx.org, _target(tx, table)))
    level = LEVELS[values[column]]
    if level is Level.WHOLE or (default is not None and level <= default):
        word = "None" if default is None else WORDS[default]
        raise ApiError(
            f"field integrity exception: {column} (trivial share level {values[column]}, for organization "
            f"with default level {word})",
            code="FIELD_INTEGRITY_EXCEPTION",
            fields=[column],
        )


def _check_account_levels(tx: "Transaction", values: Values) -> None:
    """No level is below the default, one at least is above it, and none is what an owner has."""
    names = ("Account", *BELOW)
    told = [values[f"{name}AccessLevel"] or "None" for name in names]
    usual = [_default_word(tx, tx.schema[name]) for name in names]
    pairs = [(LEVELS.get(word, 0), LEVELS.get(default, 0)) for word, default in zip(told, usual, strict=True)]
    controlled = [word for word, default in zip(told, usual, strict=True) if default == sharing.CONTROLLED]
    above = any(level > default for level, default in pairs)
    below = any(level < default for level, default in pairs)
    if above and not below and "All" not in told and set(controlled) <= {sharing.CONTROLLED}:
        return
    columns = [f"{name}AccessLevel" for name in names[:3]]
    raise ApiError(
        f"{', '.join(columns)}(Account, Opportunity, Case Levels, Con Levels ({', '.join(told)}) are below "
        f"organization levels ({', '.join(usual)}))",
        code="INVALID_ACCESS_LEVEL",
        fields=columns,
    )


def _check_whole(tx: "Transaction", table: "Table", row: int) -> None:
    access = tx.access
    if access is None:
        return
    if sharing.row_level(tx.org, access, _target(tx, table), row) is not Level.WHOLE:
        raise ApiError(
            "insufficient access rights on cross-reference id",
            code="INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            fields=[],
        )


def _find_same(tx: "Transaction", table: "Table", values: Values) -> int | None:
    """A share that is there gets the levels of the new one."""
    key = {name: values[name] for name in (parent_field(table.sobject), "UserOrGroupId", "RowCause")}
    same = tx.find_row(table.name, key)
    if same is not None:
        levels = {name: value for name, value in values.items() if name.endswith("AccessLevel")}
        tx.set_fields(table, same, levels)
    return same


def _check_update(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    _check_levels(tx, table, old | changes)


def refuse_made(tx: "Transaction", table: "Table", number: int, deletes: bool) -> None:
    """Raise when a share that is not in the table follows from an owner or a rule."""
    if parent_of(table.sobject) is None or find_row(tx.org, table, number) is None:
        return
    if deletes:
        raise ApiError("cannot delete owner or rule share rows", code="DELETE_FAILED", fields=[])
    raise ApiError(
        "insufficient access rights on object id",
        code="INSUFFICIENT_ACCESS_OR_READONLY",
        fields=[],
        status=403,
    )


def before_new_owner(tx: "Transaction", table: "Table", number: int, owner: Any) -> None:
    """Forget what was shared by hand when a row is about to have another owner."""
    share = share_of(tx.schema, table.sobject)
    if share is None:
        return
    held = tx.store.execute(
        f'SELECT "OwnerId" FROM "{table.name}" WHERE "Id" = ?',  # noqa: S608 - names are the schema's
        (number,),
    )
    if held and held[0][0] != owner:
        tx.store.execute(
            f'DELETE FROM "{share.name}" WHERE "{parent_field(share)}" = ? AND "RowCause" = ?',  # noqa: S608
            (number, MANUAL),
        )


def register() -> None:
    """Hook the rules into `rules.REGISTRY`."""
    REGISTRY[SHARES] = Rules(
        fill=_fill, check_insert=_check_insert, find_same=_find_same, check_update=_check_update
    )
