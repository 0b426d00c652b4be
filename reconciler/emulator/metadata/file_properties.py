"""Who made a component, who changed it, and where its file is: what lists and retrievals tell.

Source: Metadata API Developer Guide, "FileProperties"; recorded lists.
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.metadata import composed, described
from reconciler.emulator.metadata.component_types import component_type, stored_facts
from reconciler.emulator.metadata.deploy_result import user_name
from reconciler.emulator.metadata.deployments import stamp

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg


def file_properties(
    org: "EmulatedOrg", type_name: str, full_name: str, *, file: str | None = None
) -> dict[str, Any]:
    """The FileProperties of a component, in the WSDL's order; ``file`` is its path unless given.

    A component that is nobody's, because it is standard or only the sum of its parts, has the
    administrator and the beginning of time.
    """
    kind = described.FOLDERS.get(type_name, type_name)
    facts = component_type(kind).facts(org, full_name) or stored_facts(org, kind, full_name)
    created_by = facts.created_by if facts else org.admin_id
    modified_by = facts.modified_by if facts else org.admin_id
    return {
        "createdById": created_by,
        "createdByName": user_name(org, ids.parse(created_by)),
        "createdDate": stamp(facts.created_ms if facts else 0),
        "fileName": file or path_of(type_name, full_name),
        "fullName": full_name,
        "id": facts.id if facts else "",
        "lastModifiedById": modified_by,
        "lastModifiedByName": user_name(org, ids.parse(modified_by)),
        "lastModifiedDate": stamp(facts.modified_ms if facts else 0),
        **_of_package(type_name, full_name),
        "type": type_name,
    }


def _of_package(type_name: str, full_name: str) -> dict[str, Any]:
    if type_name == "InstalledPackage":
        return {"manageableState": "installed", "namespacePrefix": full_name}
    return {"manageableState": "unmanaged", "namespacePrefix": None}


def path_of(type_name: str, full_name: str) -> str:
    """Where a package has the file that holds a component."""
    if folder_of := described.FOLDERS.get(type_name):
        return f"{described.types()[folder_of].directory}/{full_name}"
    if type_name in described.types():
        return described.types()[type_name].path(full_name)
    whole = described.parents()[type_name]
    return whole.path(composed.owner_of(type_name, full_name))
