"""Components that are kept as trees and have a row beside them, by which the data API knows them.

The row has the component's id, is written with it and goes with it; what a column holds follows from the tree
(`ROWS`). The rows of folders have ids of their own, because the folders of several types are rows of one
object. Rows of these objects that somebody made over REST are no components.

Source: Object Reference for the columns; Metadata API Developer Guide for the elements.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.metadata.component_types import ComponentProblem, Written, register, stored_facts
from reconciler.emulator.metadata.types import usage
from reconciler.emulator.metadata.types.references import ReferringType
from reconciler.emulator.metadata_xml import Tree, flag, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

Values = dict[str, Any]
FOLDERS = {"Dashboard": "Dashboard", "Document": "Document", "EmailTemplate": "Email", "Report": "Report"}
"""Types whose components lie in folders, and what the rows of these folders have for a type."""
UNFILED = frozenset(["unfiled$public", "public"])
"""Folders that every org has without a component."""


def _split(full_name: str) -> tuple[str, str]:
    """The folder, and the name in it."""
    folder, _, name = full_name.rpartition("/")
    return folder, name


def _folder_id(org: "EmulatedOrg", kind: str, folder: str) -> int:
    found = org.store.execute(
        'SELECT "Id" FROM "Folder" WHERE "DeveloperName" = ? AND "Type" = ?',
        (folder.rpartition("/")[2], FOLDERS[kind]),
    )
    return int(found[0][0]) if found else ids.parse(org.org_id) or 0


def _content(tree: Tree) -> bytes:
    try:
        return base64.b64decode(text(tree, "content") or "")
    except (binascii.Error, ValueError):
        return b""


def _email_template(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    folder, name = _split(full_name)
    kind, body = text(tree, "type") or "text", _content(tree).decode("utf-8", "replace")
    return {
        "DeveloperName": name,
        "Name": text(tree, "name") or name,
        "FolderId": _folder_id(org, "EmailTemplate", folder),
        "FolderName": folder,
        "TemplateType": kind,
        "TemplateStyle": text(tree, "style") or "none",
        "Encoding": text(tree, "encodingKey"),
        "IsActive": int(flag(tree, "available")),
        "Subject": text(tree, "subject"),
        "Description": text(tree, "description"),
        "Body": text(tree, "textOnly") or (None if kind in ("html", "custom") else body),
        "HtmlValue": body if kind in ("html", "custom") else None,
        "Markup": body if kind == "visualforce" else None,
        "UiType": text(tree, "uiType") or "Aloha",
        "RelatedEntityType": text(tree, "relatedEntityType"),
        "OwnerId": org.admin_number,
    }


def _report(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    folder, name = _split(full_name)
    return {
        "DeveloperName": name,
        "Name": text(tree, "name") or name,
        "OwnerId": _folder_id(org, "Report", folder),
        "FolderName": folder,
        "Format": text(tree, "format") or "Tabular",
        "Description": text(tree, "description"),
    }


def _dashboard(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    folder, name = _split(full_name)
    return {
        "DeveloperName": name,
        "Title": text(tree, "title") or name,
        "FolderId": _folder_id(org, "Dashboard", folder),
        "FolderName": folder,
        "Description": text(tree, "description"),
        "Type": text(tree, "dashboardType") or "SpecifiedUser",
        "OwnerId": org.admin_number,
        "RunningUserId": org.admin_number,
        "LeftSize": "Medium",
        "RightSize": "Medium",
        "BackgroundDirection": text(tree, "backgroundFadeDirection") or "Diagonal",
    }


def _document(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    folder, file = _split(full_name)
    body = _content(tree)
    return {
        "DeveloperName": file.rpartition(".")[0] or file,
        "Name": text(tree, "name") or file,
        "FolderId": _folder_id(org, "Document", folder),
        "Type": file.rpartition(".")[2] if "." in file else None,
        "IsPublic": int(flag(tree, "public")),
        "IsInternalUseOnly": int(flag(tree, "internalUseOnly")),
        "Keywords": text(tree, "keywords"),
        "Description": text(tree, "description"),
        "Body": body,
        "BodyLength": len(body),
        "AuthorId": org.admin_number,
    }


def _assignment_rule(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    owner, _, name = full_name.partition(".")
    return {"Name": name, "SobjectType": owner, "Active": int(flag(tree, "active"))}


def _duplicate_rule(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    owner, _, name = full_name.partition(".")
    return {
        "DeveloperName": name,
        "SobjectType": owner,
        "MasterLabel": text(tree, "masterLabel") or name,
        "Language": "en_US",
        "IsActive": int(flag(tree, "isActive")),
    }


def _matching_rule(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    owner, _, name = full_name.partition(".")
    return {
        "DeveloperName": name,
        "SobjectType": owner,
        "MasterLabel": text(tree, "label") or name,
        "Language": "en_US",
        "BooleanFilter": text(tree, "booleanFilter"),
        "Description": text(tree, "description"),
        "RuleStatus": text(tree, "ruleStatus") or "Inactive",
        "MatchEngine": "ExactMatchEngine",
    }


def _notification_type(org: "EmulatedOrg", full_name: str, tree: Tree) -> Values:
    return {
        "DeveloperName": full_name,
        "CustomNotifTypeName": text(tree, "customNotifTypeName") or full_name,
        "MasterLabel": text(tree, "masterLabel") or full_name,
        "Language": "en_US",
        "Description": text(tree, "description"),
        "Desktop": int(flag(tree, "desktop")),
        "Mobile": int(flag(tree, "mobile")),
        "IsSlack": int(flag(tree, "slack")),
    }


ROWS: Mapping[str, Callable[["EmulatedOrg", str, Tree], Values]] = {
    "AssignmentRule": _assignment_rule,
    "CustomNotificationType": _notification_type,
    "Dashboard": _dashboard,
    "Document": _document,
    "DuplicateRule": _duplicate_rule,
    "EmailTemplate": _email_template,
    "MatchingRule": _matching_rule,
    "Report": _report,
}
"""Types whose components have a row in the object of the same name, and its columns."""


def show(tx: "Transaction", kind: str, full_name: str, tree: Tree) -> None:
    """Write the row of a component that is kept already."""
    facts = stored_facts(tx.org, kind, full_name)
    if kind in FOLDERS and "/" not in full_name:
        key = {"DeveloperName": full_name, "Type": FOLDERS[kind]}
        access = text(tree, "accessType") or "Public"
        tx.put_row("Folder", key, {"Name": text(tree, "name") or full_name, "AccessType": access})
    elif facts is not None and (number := ids.parse(facts.id)) is not None:
        values = ROWS[kind](tx.org, full_name, tree)
        if kind == "AssignmentRule" and values["Active"]:
            tx.store.execute(
                'UPDATE "AssignmentRule" SET "Active" = 0 WHERE "SobjectType" = ?', (values["SobjectType"],)
            )
        _put(tx, kind, number, values)


def _put(tx: "Transaction", sobject: str, number: int, values: Values) -> None:
    table = tx.tables[sobject]
    if tx.store.execute(table.state_sql, (number,)):
        tx.set_fields(table, number, values)
        return
    row = table.template.copy()
    for name, value in {**values, "Id": number}.items():
        row[table.position[name]] = value
    for at, by_user in table.created_stamps:
        if row[at] is None:
            row[at] = tx.user if by_user else tx.stamp
    tx.store.execute(table.insert_sql, row)


def hide(tx: "Transaction", kind: str, full_name: str) -> None:
    """Take away the row of a component that is about to go."""
    if kind in FOLDERS and "/" not in full_name:
        tx.drop_row("Folder", {"DeveloperName": full_name, "Type": FOLDERS[kind]})
    elif (facts := stored_facts(tx.org, kind, full_name)) is not None:
        tx.drop_row(kind, {"Id": ids.parse(facts.id)})


@dataclass(frozen=True, slots=True)
class ShownType(ReferringType):
    """A tree that must name what is there, with a row."""

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        if self.name in FOLDERS and "/" in full_name:
            self._check_folder(tx.org, _split(full_name)[0])
        written = ReferringType.write(self, tx, full_name, tree)
        show(tx, self.name, full_name, tree)
        return written

    def _check_folder(self, org: "EmulatedOrg", folder: str) -> None:
        known = self.name, "EmailTemplateFolder" if self.name == "EmailTemplate" else self.name
        if folder not in UNFILED and not any(org.components.xml(kind, folder) for kind in known):
            raise ComponentProblem(f"Cannot find folder:{folder}")

    def delete(self, tx: "Transaction", full_name: str) -> str:
        if self.name in usage.CALLED:
            usage.refuse_named(tx.org, self.name, full_name)
        hide(tx, self.name, full_name)
        return ReferringType.delete(self, tx, full_name)

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        ReferringType.rename(self, tx, old, new)
        show(tx, self.name, new, tx.org.components.tree(self.name, new) or {})


for _name in ROWS:
    register(ShownType(_name))
