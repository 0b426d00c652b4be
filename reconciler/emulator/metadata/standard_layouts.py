"""The page layouts that objects have before anybody made one.

`standard/layouts.txt` names those of standard objects, a line a layout with its related lists and their
columns; a layout's object is what stands before the first dash, or what `OWNERS` says. A custom object has
one of its label. What is on a page follows from the object's fields: a name and what must be given first,
then in two columns what can be written, addresses and long texts in sections of their own, who and when last.

Source: names and shapes as in public profiles and layouts of uncustomised orgs. Which fields a page of a real
org leaves out was not verified.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from reconciler.emulator import standard
from reconciler.emulator.metadata_xml import Tree
from reconciler.emulator.schema import Field, SObject

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

OWNERS = {"CaseClose": "Case", "UserAlt": "User", "Global": None}
"""Layouts that are called by something else than their object; None where there is no object."""
NOT_LAID_OUT = frozenset(
    {"id", "isdeleted", "masterrecordid", "systemmodstamp", "createddate", "lastmodifieddate", "photourl"}
)
STAMPS = ("CreatedById", "LastModifiedById")
TWO, ONE, LINKS = "TwoColumnsTopToBottom", "OneColumn", "CustomLinks"
SWITCHES = (
    "showEmailCheckbox", "showHighlightsPanel", "showInteractionLogPanel", "showRunAssignmentRulesCheckbox",
    "showSubmitAndAttachButton",
)  # fmt: skip
LONG = 256
"""From that length on a text has lines of its own."""


@cache
def lines() -> dict[str, tuple[tuple[str, ...], ...]]:
    """Full names of the layouts of standard objects, with their related lists: name, columns."""
    content = (standard.FOLDER / "layouts.txt").read_text(encoding="utf-8")
    found = {}
    for line in content.splitlines():
        name, *related = line.split(" | ")
        found[name] = tuple(tuple(each.split()) for each in related)
    return found


@cache
def _spelled() -> dict[str, str]:
    return {name.lower(): name for name in lines()}


def owner_of(org: "EmulatedOrg", full_name: str) -> SObject | None:
    """The object of a layout."""
    named = full_name.partition("-")[0]
    owner = OWNERS.get(named, named)
    return None if owner is None else org.schema.get(owner)


def names(org: "EmulatedOrg", stored: Sequence[str]) -> list[str]:
    """Layouts that there are without anybody having made them; ``stored`` are those that somebody did."""
    known = {name.lower() for name in stored}
    laid_out = {name.partition("-")[0].lower() for name in stored}
    found = [name for name in lines() if name.lower() not in known]
    for each in org.additions.changed_objects():
        sobject = org.schema.get(each)
        if sobject and sobject.custom and sobject.flags.get("layoutable") and each.lower() not in laid_out:
            found.append(custom_name(sobject))
    return found


def custom_name(sobject: SObject) -> str:
    """What the first layout of a custom object is called."""
    return f"{sobject.name}-{sobject.label} Layout"


def first_of(org: "EmulatedOrg", owner: str, known: Sequence[str]) -> str:
    """Of the layouts of an object the one that its pages have unless somebody says otherwise."""
    sobject = org.schema.get(owner)
    wanted = custom_name(sobject) if sobject and sobject.custom else _first_lines().get(owner.lower(), "")
    return next((name for name in known if name.lower() == wanted.lower()), known[0])


@cache
def _first_lines() -> dict[str, str]:
    return {name.partition("-")[0].lower(): name for name in lines()}


def spelled(org: "EmulatedOrg", full_name: str, stored: Sequence[str]) -> str | None:
    """The name of a layout that nobody made, given in any case; None where there is none."""
    wanted = full_name.lower()
    if found := _spelled().get(wanted):
        return None if any(name.lower() == wanted for name in stored) else found
    owner = owner_of(org, full_name)
    if owner is None or not owner.custom:
        return None
    return next((name for name in names(org, stored) if name.lower() == wanted), None)


def tree_of(org: "EmulatedOrg", full_name: str) -> Tree:
    """The layout as a retrieval brings it."""
    sobject = owner_of(org, full_name)
    made: Tree = {}
    if sobject is not None:
        made["layoutSections"] = list(_sections(sobject))
    if related := lines().get(full_name):
        made["relatedLists"] = [_related(name, columns) for name, *columns in related]
    return {**made, **{name: ["false"] for name in SWITCHES}}


def _related(name: str, columns: Sequence[str]) -> Tree:
    return {**({"fields": list(columns)} if columns else {}), "relatedList": [name]}


def _sections(sobject: SObject) -> Iterator[Tree]:
    shown = [field for field in sobject.fields.values() if _is_shown(sobject, field)]
    first = sorted(shown, key=lambda field: (not _is_name(field), not _required(sobject, field)))
    wide = [field for field in first if field.type == "textarea" and (field.length or LONG) >= LONG]
    places = [field for field in first if field.type in ("address", "location")]
    rest = [field for field in first if field not in wide and field not in places]
    yield _section(sobject, f"{sobject.label} Information", rest, TWO)
    if places:
        yield _section(sobject, "Address Information", places, TWO)
    if stamps := [field for name in STAMPS if (field := sobject.field(name))]:
        yield _section(sobject, "System Information", stamps, TWO, heading=True)
    if wide:
        yield _section(sobject, "Description Information", wide, ONE, heading=True)
    links: Tree = {"customLabel": ["true"], "detailHeading": ["false"], "editHeading": ["true"]}
    yield {**links, "label": ["Custom Links"], "layoutColumns": ["", "", ""], "style": [LINKS]}


def _section(
    sobject: SObject, label: str, fields: Sequence[Field], style: str, *, heading: bool = False
) -> Tree:
    items: list[Tree] = [{"behavior": [_behavior(sobject, each)], "field": [each.name]} for each in fields]
    columns = [items] if style == ONE else [items[::2], items[1::2]]
    return {
        "customLabel": ["false"],
        "detailHeading": ["true" if heading else "false"],
        "editHeading": ["true"],
        "label": [label],
        "layoutColumns": [{"layoutItems": list(column)} if column else "" for column in columns],
        "style": [style],
    }


def _is_name(field: Field) -> bool:
    return field.name_field or field.name == "Name"


def _is_shown(sobject: SObject, field: Field) -> bool:
    """Whether a page has the field: of standard objects without those that others added."""
    lowered = field.name.lower()
    if lowered in NOT_LAID_OUT or field.name in STAMPS or (field.custom and not sobject.custom):
        return False
    if (field.compound and field.compound != field.name) or lowered.startswith("userpreferences"):
        return False
    return (
        field.createable
        or field.updateable
        or field.custom
        or _is_name(field)
        or _parts(sobject, field) != []
    )


def _parts(sobject: SObject, field: Field) -> list[Field]:
    return [each for each in sobject.fields.values() if each.compound == field.name and each is not field]


def _must_be_given(field: Field) -> bool:
    given = field.createable and not field.nillable and not field.defaulted_on_create
    return given and field.type != "boolean"


def _required(sobject: SObject, field: Field) -> bool:
    return _must_be_given(field) or any(_must_be_given(each) for each in _parts(sobject, field))


def _behavior(sobject: SObject, field: Field) -> str:
    if _required(sobject, field):
        return "Required"
    return "Edit" if field.createable or field.updateable or _parts(sobject, field) else "Readonly"
