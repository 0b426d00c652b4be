"""Custom objects, fields and value sets of a project into the schema of an org.

Objects first, because fields point to them; then fields, with roll-ups after those they summarise.
Objects of other packages that lookups point to are made up with a name and nothing else.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.emulator.access.sharing import set_model
from reconciler.emulator.custom_fields import (
    CUSTOM_SUFFIXES,
    fields_of,
    name_field,
    next_prefix,
    object_of,
    picklist_values,
)
from reconciler.emulator.metadata_xml import Tree, child, flag, text, texts
from reconciler.emulator.schema import Field, PicklistValue, RecordTypeInfo, SObject
from reconciler.emulator.writes import Transaction

from .report import Found, LoadReport

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

MANAGED = re.compile(r"[A-Za-z][A-Za-z0-9]*__[A-Za-z0-9_]+?__[a-z]+", re.IGNORECASE)
"""A name of a managed package: a namespace stands before the name."""
STUB_LENGTH = 255

STANDARD_VALUE_SETS: dict[str, tuple[str, ...]] = {
    "AccountType": ("Account.Type",),
    "AccountOwnership": ("Account.Ownership",),
    "AccountRating": ("Account.Rating",),
    "CampaignStatus": ("Campaign.Status",),
    "CampaignType": ("Campaign.Type",),
    "CampaignMemberStatus": ("CampaignMember.Status",),
    "CaseOrigin": ("Case.Origin",),
    "CasePriority": ("Case.Priority",),
    "CaseReason": ("Case.Reason",),
    "CaseStatus": ("Case.Status",),
    "CaseType": ("Case.Type",),
    "ContactRole": ("OpportunityContactRole.Role",),
    "EventSubject": ("Event.Subject",),
    "Industry": ("Account.Industry", "Lead.Industry"),
    "LeadSource": (
        "Account.AccountSource",
        "Contact.LeadSource",
        "Lead.LeadSource",
        "Opportunity.LeadSource",
    ),
    "LeadStatus": ("Lead.Status",),
    "OpportunityStage": ("Opportunity.StageName",),
    "OpportunityType": ("Opportunity.Type",),
    "OrderStatus": ("Order.Status",),
    "OrderType": ("Order.Type",),
    "Product2Family": ("Product2.Family",),
    "Salutation": ("Contact.Salutation", "Lead.Salutation"),
    "TaskPriority": ("Task.Priority",),
    "TaskStatus": ("Task.Status",),
    "TaskSubject": ("Task.Subject",),
}
"""Fields whose values a StandardValueSet holds."""
ON_ANY_ROW = (
    ("Attachment", "ParentId"),
    ("ContentDocumentLink", "LinkedEntityId"),
    ("ContentVersion", "FirstPublishLocationId"),
    ("Note", "ParentId"),
    ("ProcessInstance", "TargetObjectId"),
    ("TopicAssignment", "EntityId"),
)
"""References to rows of any custom object."""
ACTIVITY = ("Task", "Event")
"""Fields of the object Activity belong to both."""


def load_schema(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    """New tables are made when their fields are known: a column more costs SQLite its whole schema."""
    made = _new_objects(org, found, report)
    _load_value_sets(org, found)
    _load_fields(org, found, {each.name: each for each in made}, report)
    org.additions.add_objects(made)
    for sobject in made:
        if sobject.flags.get("activities"):
            allow_activities(org, sobject.name)
    allow_files(org, made)
    _load_record_types(org, found, report)


# -- objects


def _new_objects(org: "EmulatedOrg", found: Found, report: LoadReport) -> list[SObject]:
    """The objects the org lacks, known to the schema but still without tables."""
    objects = found.get("CustomObject", {})
    wanted = dict.fromkeys(objects)
    for kind in ("CustomField", "RecordType"):
        wanted |= dict.fromkeys(name.split(".")[0] for name in found.get(kind, ()))
    made = []
    for name in wanted:
        tree = objects.get(name, ({}, b""))[0]
        if name in org.schema:
            _follow_definition(org, name, tree)
        elif name.endswith(CUSTOM_SUFFIXES):
            made.append(new_object(org, name, tree))
            (report.stubs if MANAGED.fullmatch(name) and not tree.get("label") else report.objects).append(
                name
            )
        elif name != "Activity":
            report.problems.append(f"{name}: this standard object is not part of the emulated org")
    for target in _lookup_targets(found):
        if target not in org.schema and target.endswith(CUSTOM_SUFFIXES):
            made.append(new_object(org, target, {}))
            report.stubs.append(target)
    return made


def new_object(org: "EmulatedOrg", name: str, tree: Tree) -> SObject:
    """Make an object known to the schema at once, so that the next one takes another key prefix."""
    sobject = object_of(
        name, tree, next_prefix(name, lambda prefix: org.schema.by_prefix(prefix) is not None)
    )
    org.schema.add(sobject)
    return sobject


def _follow_definition(org: "EmulatedOrg", name: str, tree: Tree) -> None:
    """What a definition says of an object that exists already: its labels and its name field."""
    known = org.schema[name]
    if not known.custom:
        set_model(org, known, text(tree, "sharingModel"))
        return
    if not tree.get("label"):
        return
    label = text(tree, "label") or known.label
    org.additions.update_object(name, label=label, label_plural=text(tree, "pluralLabel") or label)
    if named := child(tree, "nameField"):
        org.additions.add_fields(name, [name_field(named, label)])


def _lookup_targets(found: Found) -> Iterator[str]:
    for tree, _ in found.get("CustomField", {}).values():
        yield from texts(tree, "referenceTo")


def allow_activities(org: "EmulatedOrg", name: str) -> None:
    """Tasks and events may be related to the object."""
    for activity in ACTIVITY:
        what = org.schema[activity].fields["whatid"]
        if name not in what.reference_to:
            org.additions.add_fields(activity, [replace(what, reference_to=(*what.reference_to, name))])


def allow_files(org: "EmulatedOrg", sobjects: Iterable[SObject]) -> None:
    """Files, notes, topics and approvals may belong to the objects, those of them that are ordinary ones."""
    names = [each.name for each in sobjects if "activities" in each.flags]
    for owner, field in ON_ANY_ROW:
        known = org.schema[owner].fields[field.lower()]
        new = [name for name in names if name not in known.reference_to]
        if new:
            org.additions.add_fields(owner, [replace(known, reference_to=(*known.reference_to, *new))])


# -- value sets and fields


def _load_value_sets(org: "EmulatedOrg", found: Found) -> None:
    for name, (tree, _) in found.get("StandardValueSet", {}).items():
        values = picklist_values(tree)
        for full_name in STANDARD_VALUE_SETS.get(name, ()) if values else ():
            owner, _, field_name = full_name.partition(".")
            known = org.schema[owner].fields[field_name.lower()]
            org.additions.add_fields(owner, [replace(known, picklist=values)])


def value_sets(org: "EmulatedOrg", found: Found) -> dict[str, tuple[PicklistValue, ...]]:
    """Global value sets: those the org has, and those of this seed over them."""
    known = {
        name: picklist_values(org.components.tree("GlobalValueSet", name) or {})
        for name in org.components.names("GlobalValueSet")
    }
    return known | {
        name: picklist_values(tree) for name, (tree, _) in found.get("GlobalValueSet", {}).items()
    }


CUSTOM = "__c"
"""How the fields end that a project brings; of standard ones it tells settings alone, which are kept."""


def _load_fields(org: "EmulatedOrg", found: Found, made: dict[str, SObject], report: LoadReport) -> None:
    sets = value_sets(org, found)
    fields = {name: told for name, told in found.get("CustomField", {}).items() if name.endswith(CUSTOM)}
    later = {name: tree for name, (tree, _) in fields.items() if text(tree, "type") == "Summary"}
    first = {name: tree for name, (tree, _) in fields.items() if name not in later}
    added: dict[str, list[Field]] = {}

    def known(owner: str, name: str) -> Field | None:
        sobject = org.schema.get(owner)
        return sobject.field(name) if sobject else None

    for part in (first, later):
        added.clear()
        for full_name, tree in part.items():
            for owner in owners(org, full_name):
                try:
                    new = fields_of(tree, sets, known)
                except ValueError as error:
                    report.problems.append(f"{full_name}: {error}")
                    continue
                added.setdefault(owner, []).extend(new)
        for owner, fields_of_owner in added.items():
            if owner in made:
                for each in fields_of_owner:
                    made[owner].add(each)
            elif not _add_fields(org, owner, fields_of_owner, report):
                continue
            report.fields += [f"{owner}.{each.name}" for each in fields_of_owner]
    for sobject in made.values():
        _follow_master(sobject)


def _add_fields(org: "EmulatedOrg", owner: str, fields: list[Field], report: LoadReport) -> bool:
    """Add fields to an object that may have rows; False when rows contradict them."""
    try:
        org.additions.add_fields(owner, fields)
    except sqlite3.IntegrityError as error:
        report.problems.append(f"{owner}: rows contradict a unique field: {error}")
        return False
    return True


def owners(org: "EmulatedOrg", full_name: str) -> tuple[str, ...]:
    owner = full_name.split(".")[0]
    if owner == "Activity":
        return ACTIVITY
    return (org.schema[owner].name,) if owner in org.schema else ()


def _follow_master(sobject: SObject) -> None:
    """A detail has no owner of its own: its master's counts."""
    if any(each.relationship_order is not None for each in sobject.fields.values()):
        sobject.fields.pop("ownerid", None)


def stub_field(org: "EmulatedOrg", full_name: str, report: LoadReport) -> Field | None:
    """Make up a text field of another package, on an object that is there or is made up too."""
    owner, _, name = full_name.partition(".")
    if not MANAGED.fullmatch(name) and not MANAGED.fullmatch(owner):
        return None
    if owner not in org.schema:
        if not MANAGED.fullmatch(owner):
            return None
        org.additions.add_object(new_object(org, owner, {}))
        report.stubs.append(owner)
    known = org.schema[owner].field(name)
    if known is None and name.endswith("__c"):
        known = Field(
            name=name, type="string", label=name, length=STUB_LENGTH, custom=True, permissionable=True
        )
        org.additions.add_fields(owner, [known])
        report.stubs.append(full_name)
    return known


# -- record types


def _load_record_types(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    tx = Transaction(org, org.admin_number)
    for full_name, (tree, _) in found.get("RecordType", {}).items():
        owner, _, name = full_name.partition(".")
        if owner not in org.schema:
            report.problems.append(f"{full_name}: there is no object {owner}")
            continue
        add_record_type(tx, org.schema[owner].name, name, tree)
        report.made_row("RecordType")


def add_record_type(tx: Transaction, owner: str, name: str, tree: Tree) -> None:
    """Make or change a record type: its row, what describe tells, and the field that points to it."""
    org = tx.org
    sobject = org.schema[owner]
    told = RecordTypeInfo(
        name, text(tree, "label") or name, flag(tree, "active", True), text(tree, "description")
    )
    others = [each for each in sobject.record_types if each.developer_name.lower() != name.lower()]
    org.additions.update_object(owner, record_types=[*others, told])
    if sobject.field("RecordTypeId") is None:
        org.additions.add_fields(owner, [RECORD_TYPE_ID])
    tx.put_row(
        "RecordType",
        {"SobjectType": owner, "DeveloperName": name},
        {"Name": told.label, "IsActive": int(told.active), "Description": told.description},
    )


RECORD_TYPE_ID = Field(
    name="RecordTypeId",
    type="reference",
    label="Record Type ID",
    length=18,
    reference_to=("RecordType",),
    relationship_name="RecordType",
)
