"""All rows of a share object: those that people made, one for each owner, one for each row a rule shares.

The table holds the first kind; the others are selected from the shared rows, so that they are always as
owners and rules are now and cost a write nothing. Their ids are made of the shared row's.

Where everybody may edit the rows of an object, Salesforce keeps no list of who may; accounts have theirs
because it says what their owners may do with the rows below them.

Source: Object Reference, "AccountShare"; Salesforce, "Designing Record Access for Enterprise Scale",
"Object Sharing Tables". Which rows of implied access are stored is not emulated.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from .. import ids
from ..store import quoted
from .governed import Level
from .shares import OWNER_ROW, ROW, ROW_BITS, RULE_ROW, level_field, parent_field, parent_of
from .sharing import ACCOUNT, CONTROLLED, PUBLIC, model_of
from .sharing_rules import RELATED, SharingRule

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..schema import SObject
    from ..tables import Table

Bind = Callable[[Any], str]
WORDS: Final = {Level.READ: "Read", Level.EDIT: "Edit", Level.WHOLE: "All"}


def rows_sql(org: "EmulatedOrg", share: "SObject", bind: Bind) -> str:
    """A SELECT in brackets, to be read in place of the table of a share object."""
    columns = org.tables[share.name].columns
    listed = ", ".join(map(quoted, columns))
    arms = [f"SELECT {listed} FROM {quoted(share.name)}", *_arms(org, share, columns, bind)]
    return f"({' UNION ALL '.join(arms)})"


def find_row(org: "EmulatedOrg", table: "Table", number: int) -> tuple[Any, ...] | None:
    """A row that follows from an owner or a rule, by its id: its stored values in the table's order."""
    share = table.sobject
    serial = number & ids.SERIAL_MASK
    if parent_of(share) is None or serial < OWNER_ROW:
        return None
    target = org.schema[parent_of(share) or ""]
    values: list[Any] = [number, ids.make(target.key_prefix or "", serial & ROW)]

    def bind(value: Any) -> str:
        values.append(value)
        return f"?{len(values)}"

    listed = ", ".join(map(quoted, table.columns))
    arms = " UNION ALL ".join(_arms(org, share, table.columns, bind))
    if not arms:
        return None
    sql = f'SELECT {listed} FROM ({arms}) WHERE {quoted(parent_field(share))} = ?2 AND "Id" = ?1'
    found = org.store.execute(sql, values)
    return found[0] if found else None


def _arms(org: "EmulatedOrg", share: "SObject", columns: list[str], bind: Bind) -> Iterator[str]:
    target = org.schema[parent_of(share) or ""]
    model = model_of(org, target)
    if model == CONTROLLED or target.field("OwnerId") is None:
        return
    public = PUBLIC.get(model)
    living = 'r."IsDeleted" = 0' if org.tables[target.name].has_bin else "1"
    if public is None or public is Level.READ or target.name == ACCOUNT:
        values = _values(org, share, OWNER_ROW, "Owner", 'r."OwnerId"', Level.WHOLE)
        yield _arm(share, target, columns, values | _of_owner(org, share), living)
    for at, rule in enumerate(org.access.sharing_rules().get(target.name, ())):
        if public is None or rule.level > public or rule.related:
            values = _values(org, share, RULE_ROW + (at << ROW_BITS), "Rule", str(rule.group), rule.level)
            where = f"{living} AND {rule.sql('r', bind)}"
            yield _arm(share, target, columns, values | _of_rule(share, rule), where)


def _arm(
    share: "SObject", target: "SObject", columns: list[str], values: Mapping[str, str], where: str
) -> str:
    listed = ", ".join(f"{values.get(column, 'NULL')} AS {quoted(column)}" for column in columns)
    return f"SELECT {listed} FROM {quoted(target.name)} r WHERE {where}"


def _values(
    org: "EmulatedOrg", share: "SObject", first: int, cause: str, holder: str, level: Level
) -> dict[str, str]:
    base = ids.make(share.key_prefix or "", first)
    return {
        "Id": f'{base} + (r."Id" & {ROW})',
        parent_field(share): 'r."Id"',
        "UserOrGroupId": holder,
        level_field(share): _text(WORDS[level]),
        "RowCause": _text(cause),
        "LastModifiedDate": 'r."LastModifiedDate"',
        "LastModifiedById": 'r."LastModifiedById"',
        "IsDeleted": "0",
    }


def _text(word: str) -> str:
    return f"'{word}' COLLATE NOCASE"


def _of_owner(org: "EmulatedOrg", share: "SObject") -> dict[str, str]:
    """What the owner of an account may do with the rows below it: what the default and the role say."""
    made = {}
    for name in RELATED if parent_of(share) == ACCOUNT else ():
        model = model_of(org, org.schema[name])
        public = PUBLIC.get(model)
        by_role = (
            f'SELECT o."{name}AccessForAccountOwner" FROM "User" u JOIN "UserRole" o '
            f'ON o."Id" = u."UserRoleId" WHERE u."Id" = r."OwnerId"'
        )
        if model == CONTROLLED:
            made[f"{name}AccessLevel"] = _text(CONTROLLED)
        elif public is None:
            made[f"{name}AccessLevel"] = f"COALESCE(({by_role}), 'None') COLLATE NOCASE"
        else:
            made[f"{name}AccessLevel"] = _text(WORDS[min(public, Level.EDIT)])
    return made


def _of_rule(share: "SObject", rule: SharingRule) -> dict[str, str]:
    if parent_of(share) != ACCOUNT:
        return {}
    return {
        f"{name}AccessLevel": _text(WORDS[rule.related[name]] if name in rule.related else "None")
        for name in RELATED
    }
