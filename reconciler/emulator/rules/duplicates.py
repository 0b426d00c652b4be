"""Duplicate rules: a row that is like another is refused, or saved when the client says that it may be.

A rule names matching rules; a matching rule says which fields are compared, how, and how that adds up.
`Block` refuses always; `Allow` with an alert refuses until the call has `Sforce-Duplicate-Rule-Header:
allowSave=true`; without an alert it lets pass. A change is asked only where it touches a field that is
compared.

The refusal carries what was found, as public clients read it: under `duplicateResult`, which answers of API
50 and 51 spell `duplicateResut`; since when it is spelled well was not seen, 52 has the first documented
header. The standard matching rules are those of Salesforce Help as far as it tells them. A new org here has
no duplicate rule that is active, where Salesforce's has three: rehearsals with many alike rows would meet
them. Deploy `Account.Standard_Account_Duplicate_Rule` and the like to have them.

Source: Salesforce Help, "Duplicate Rules", "Standard Matching Rules"; Metadata API Developer Guide,
"DuplicateRule", "MatchingRule"; REST API Developer Guide, "Duplicate Rule Header".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .. import ids
from ..access import checks
from ..access.sharing_rules import checked_logic
from ..errors import ApiError
from ..metadata_xml import BadXml, Tree, child, each, flag, parse, text, texts
from ..store import quoted
from .conditions import USER, Condition, any_true, read_condition
from .matching import METHODS, alike

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..tables import Table
    from ..writes import Transaction

SAID: Final = "You're creating a duplicate record. We recommend you use an existing record instead."
"""The alert of a rule that has none, as seen."""
MOST_FOUND: Final = 100
SPELLED_WELL_FROM: Final = 52.0
PERSON: Final = (
    "(1 AND 2 AND 3 AND 4) OR (1 AND 2 AND 5) OR (1 AND 2 AND 6 AND 4) OR (1 AND 2 AND 7 AND (8 OR 9 OR 6))"
)
STANDARD: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "Standard_Account_Match_Rule": (
        (
            *("Name:CompanyName", "BillingStreet:Street", "BillingCity:City", "BillingState:Exact"),
            *("BillingPostalCode:Zip", "Phone:Phone", "Website:Exact"),
        ),
        "(1 AND (2 OR (3 AND 4) OR 5 OR 6)) OR (7 AND (6 OR 2))",
    ),
    "Standard_Contact_Match_Rule": (
        (
            *("FirstName:FirstName", "LastName:LastName", "Title:Title", "AccountId:Exact", "Email:Exact"),
            *("Phone:Phone", "MailingStreet:Street", "MailingCity:City", "MailingPostalCode:Zip"),
        ),
        PERSON,
    ),
    "Standard_Lead_Match_Rule": (
        (
            *(
                "FirstName:FirstName",
                "LastName:LastName",
                "Title:Title",
                "Company:CompanyName",
                "Email:Exact",
            ),
            *("Phone:Phone", "Street:Street", "City:City", "PostalCode:Zip"),
        ),
        PERSON,
    ),
}
"""Salesforce's own matching rules by their name without its version: fields with methods, and the logic."""


class DuplicatesDetected(ApiError):
    code = "DUPLICATES_DETECTED"

    def __init__(self, message: str, result: Mapping[str, Any], version: str) -> None:
        super().__init__(message)
        well = float(version.removeprefix("v")) >= SPELLED_WELL_FROM
        self.detail = {"duplicateResult" if well else "duplicateResut": result}


@dataclass(frozen=True)
class Compared:
    """``own`` is the field of the row that is written, ``other`` that of the rows it may be like."""

    own: str
    other: str
    method: str
    blank_matches: bool

    def term(self, value: Any) -> tuple[str, tuple[Any, ...]]:
        """SQL that no row fails which is alike: cheap, and wider than what counts."""
        column = quoted(self.other)
        if value is None:
            return (f"{column} IS NULL" if self.blank_matches else "0"), ()
        if self.method in METHODS or not str(value).isascii():
            return f"{column} IS NOT NULL", ()
        return f"{column} = ? COLLATE NOCASE", (value,)

    def holds(self, value: Any, other: Any) -> bool:
        if value is None or other is None:
            return self.blank_matches and value is None and other is None
        return alike(self.method, value, other)


@dataclass(frozen=True)
class Match:
    """A matching rule, as one duplicate rule uses it."""

    name: str
    sobject: str
    compared: tuple[Compared, ...]
    logic: str

    @property
    def engine(self) -> str:
        fuzzy = any(each_one.method in METHODS for each_one in self.compared)
        return "FuzzyMatchEngine" if fuzzy else "ExactMatchEngine"

    def find(self, tx: "Transaction", number: int | None, new: Mapping[str, Any], as_user: bool) -> list[int]:
        """The living rows that the row is like, those alone that the user sees if ``as_user``."""
        table = tx.tables[self.sobject]
        terms = [one.term(new.get(one.own)) for one in self.compared]
        # each term is written as often as the logic names it
        order = [int(word) - 1 for word in re.findall(r"\d+", self.logic)]
        where = re.sub(r"\d+", lambda word: terms[int(word[0]) - 1][0], self.logic)
        columns = ", ".join(quoted(one.other) for one in self.compared)
        sql = f'SELECT "Id", {columns} FROM {quoted(table.name)} WHERE ({where}){table.living} ORDER BY "Id"'
        found = []
        for row in tx.store.execute(sql, [value for at in order for value in terms[at][1]]):
            if row[0] == number or not self._is_like(new, row[1:]):
                continue
            if as_user and tx.access and not checks.is_seen(tx.org, tx.access, table.sobject, row[0]):
                continue
            found.append(row[0])
            if len(found) == MOST_FOUND:
                break
        return found

    def _is_like(self, new: Mapping[str, Any], other: Sequence[Any]) -> bool:
        held = [one.holds(new.get(one.own), value) for one, value in zip(self.compared, other, strict=True)]
        return any_true(self.logic, held)


@dataclass(frozen=True)
class DuplicateRule:
    name: str
    sobject: str
    message: str
    on_insert: str
    """`Block`, `Alert`, or nothing where the row is saved without a word."""
    on_update: str
    enforces_sharing: bool
    matches: tuple[Match, ...]
    condition: Condition | None
    order: int = field(default=0)

    def check(
        self,
        tx: "Transaction",
        table: "Table",
        number: int | None,
        new: Mapping[str, Any],
        old: Mapping[str, Any],
    ) -> None:
        """Raises `DuplicatesDetected` for a row that is like another."""
        action = self.on_insert if number is None else self.on_update
        asked = tx.duplicates_asked
        if not action or (action == "Alert" and asked.allow_save) or not self._is_asked(tx, table, new, old):
            return
        as_user = self.enforces_sharing or asked.as_user
        found = [(match, match.find(tx, number, new, as_user)) for match in self.matches]
        if any(rows for _, rows in found):
            raise DuplicatesDetected(self.message, self._result(tx, found, action), asked.version)

    def _is_asked(
        self, tx: "Transaction", table: "Table", new: Mapping[str, Any], old: Mapping[str, Any]
    ) -> bool:
        from ..formula.records import Record, World

        fields = {one.own for match in self.matches for one in match.compared}
        if old and all(new.get(name) == old.get(name) for name in fields):
            return False
        if self.condition is None:
            return True
        world = World(tx.org, tx.user)
        return self.condition.holds({"": Record(world, table, new), USER: world.row(tx.user)})

    def _result(self, tx: "Transaction", found: list[tuple[Match, list[int]]], action: str) -> dict[str, Any]:
        return {
            "allowSave": action == "Alert",
            "duplicateRule": self.name,
            "duplicateRuleEntityType": self.sobject,
            "errorMessage": self.message,
            "matchResults": [_match_result(tx, match, rows) for match, rows in found],
        }


def _match_result(tx: "Transaction", match: Match, rows: list[int]) -> dict[str, Any]:
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": _record(tx, match.sobject, ids.to_text(number)),
        }
        for number in rows
    ]
    return {
        "entityType": match.sobject,
        "errors": [],
        "matchEngine": match.engine,
        "matchRecords": records,
        "rule": match.name,
        "size": len(records),
        "success": True,
    }


def _record(tx: "Transaction", sobject: str, record_id: str) -> dict[str, Any]:
    asked = tx.duplicates_asked
    if asked.details:
        return tx.org.retrieve(sobject, record_id, version=asked.version, user_id=ids.to_text(tx.user))
    url = f"/services/data/v{asked.version.removeprefix('v')}/sobjects/{sobject}/{record_id}"
    return {"attributes": {"type": sobject, "url": url}, "Id": record_id}


# -- reading the components


def read(org: "EmulatedOrg") -> list[tuple[str, DuplicateRule]]:
    """The active rules of an org with the object of each, in the order they are asked."""
    found = []
    for full_name, xml in org.store.execute(
        "SELECT full_name, xml FROM _components WHERE type = 'DuplicateRule' ORDER BY full_name"
    ):
        owner, _, name = full_name.partition(".")
        try:
            tree = parse(xml)[1]
        except BadXml:
            continue
        if flag(tree, "isActive") and owner in org.schema:
            rule = _rule(org, org.schema[owner].name, name, tree)
            found.append((rule.sobject, rule))
    return sorted(found, key=lambda each_one: each_one[1].order)


def _rule(org: "EmulatedOrg", sobject: str, name: str, tree: Tree) -> DuplicateRule:
    used = each(tree, "duplicateRuleMatchRules")
    matches = [match for told in used for match in _matches(org, sobject, told)]
    roots = {"": org.schema[sobject], USER: org.schema["User"]}
    order = text(tree, "sortOrder") or "0"
    return DuplicateRule(
        name,
        sobject,
        text(tree, "alertText") or SAID,
        _action(tree, "Insert"),
        _action(tree, "Update"),
        text(tree, "securityOption") == "EnforceSharingRules",
        tuple(matches),
        read_condition(org.schema, roots, child(tree, "duplicateRuleFilter"), "duplicateRuleFilterItems"),
        int(order) if order.isdigit() else 0,
    )


def _action(tree: Tree, when: str) -> str:
    if text(tree, f"actionOn{when}") == "Block":
        return "Block"
    return "Alert" if "Alert" in texts(tree, f"operationsOn{when}") else ""


def _matches(org: "EmulatedOrg", sobject: str, used: Tree) -> Iterator[Match]:
    name = text(used, "matchingRule") or ""
    target = org.schema.get(text(used, "matchRuleSObjectType") or sobject)
    if target is None:
        return
    mapping = {
        text(told, "outputField") or "": text(told, "inputField") or ""
        for told in each(child(used, "objectMapping"), "mappingFields")
    }
    own, other = org.tables[sobject].position, org.tables[target.name].position
    items, logic = _matching_rule(org, target.name, name)
    compared = [Compared(mapping.get(of, of), of, method, blank) for of, method, blank in items]
    if compared and all(item.own in own and item.other in other for item in compared):
        yield Match(name, target.name, tuple(compared), logic)


def _matching_rule(org: "EmulatedOrg", sobject: str, name: str) -> tuple[list[tuple[str, str, bool]], str]:
    """Fields with methods and whether blanks match, and the logic; nothing for a rule that is not active."""
    for first, (pairs, logic) in STANDARD.items():
        if name.startswith(first):
            return [(*pair.split(":"), False) for pair in pairs], logic  # type: ignore[misc]  # two parts each
    tree = org.components.tree("MatchingRule", f"{sobject}.{name}") or {}
    if text(tree, "ruleStatus") not in ("Active", "Activating"):
        return [], ""
    items = [
        (
            text(item, "fieldName") or "",
            text(item, "matchingMethod") or "Exact",
            text(item, "blankValueBehavior") == "NullAllowed",
        )
        for item in each(tree, "matchingRuleItems")
    ]
    usual = " AND ".join(str(at) for at in range(1, len(items) + 1))
    return items, checked_logic(text(tree, "booleanFilter") or usual, len(items)) if items else ""
