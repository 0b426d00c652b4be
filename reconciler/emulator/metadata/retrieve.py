"""Components out of the org into an archive, as a manifest lists them.

A name brings one component, `*` all of a type, except where Salesforce does not take it: standard
objects, and what lies in folders. A part of a whole comes in the whole's file, alone or with the others.
What is named and not there is a message, no failure.

Source: Metadata API Developer Guide, "retrieve()", "RetrieveResult", "Profile", "Sample package.xml
Manifest Files"; answers recorded 2019 to 2020.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata import composed, described
from reconciler.emulator.metadata.archive import Files, write_zip
from reconciler.emulator.metadata.component_types import component_type
from reconciler.emulator.metadata.delays import delay
from reconciler.emulator.metadata.deploy_result import user_name
from reconciler.emulator.metadata.deployments import stamp
from reconciler.emulator.metadata.file_properties import file_properties
from reconciler.emulator.metadata.jobs import RETRIEVE, Job
from reconciler.emulator.metadata.package_files import files_of
from reconciler.emulator.metadata.package_xml import EVERYTHING, MANIFEST, Manifest, plain, write_manifest
from reconciler.emulator.metadata_xml import Tree, each, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

FOLDER = "unpackaged"
PROFILE_ENTRIES = {
    "applicationVisibilities": ("application", "CustomApplication"),
    "classAccesses": ("apexClass", "ApexClass"),
    "customMetadataTypeAccesses": ("name", "CustomObject"),
    "customPermissions": ("name", "CustomPermission"),
    "customSettingAccesses": ("name", "CustomObject"),
    "externalDataSourceAccesses": ("externalDataSource", "ExternalDataSource"),
    "fieldPermissions": ("field", "CustomField"),
    "flowAccesses": ("flow", "Flow"),
    "layoutAssignments": ("layout", "Layout"),
    "objectPermissions": ("object", "CustomObject"),
    "pageAccesses": ("apexPage", "ApexPage"),
    "recordTypeVisibilities": ("recordType", "RecordType"),
    "tabVisibilities": ("tab", "CustomTab"),
}
"""What a profile says of other components comes with those only: element, its name, the other's type."""
NOT_ALL = frozenset(["Document", "Dashboard", "EmailTemplate", "Report"])
"""Types of which `*` brings nothing."""


# -- what clients ask


def submit(
    org: "EmulatedOrg",
    user_id: str,
    manifest: Manifest,
    *,
    packages: Iterable[str],
    single: bool,
    version: str,
) -> Job:
    """Take a retrieval in; it is made when somebody asks how it went and its time is over."""
    asked = {
        "members": {name: list(members) for name, members in manifest.members.items()},
        "packages": list(packages),
        "single": single,
        "version": manifest.version or version,
    }
    with org.store.transaction():
        number = org.jobs.add(RETRIEVE, ids.parse(user_id) or 0, org.clock.now_ms(), asked, None)
    job = org.jobs.find(RETRIEVE, number)
    assert job is not None
    return job


def find(org: "EmulatedOrg", retrieval_id: str) -> Job:
    """A retrieval as it is now; made now when it is due. Raises INVALID_CROSS_REFERENCE_KEY."""
    org.settle()
    number = ids.parse(retrieval_id)
    job = org.jobs.find(RETRIEVE, number)
    if job is None:
        raise ApiError("invalid cross reference id", code="INVALID_CROSS_REFERENCE_KEY")
    now = org.clock.now_ms()
    if job.done or job.created + delay(org, "retrieve_ms") > now:
        return job
    with org.store.transaction():
        result, archive = _make(org, job)
        status = "Failed" if result["errorMessage"] else "Succeeded"
        org.jobs.change(job.id, status=status, started=now, completed=now, result=result, content=archive)
    return org.jobs.find(RETRIEVE, number) or job


def retrieve_result(job: Job) -> dict[str, Any]:
    """The RetrieveResult but its archive, in the WSDL's order."""
    told = job.result or {}
    return {
        "done": job.done,
        "errorMessage": told.get("errorMessage"),
        "errorStatusCode": told.get("errorStatusCode"),
        "fileProperties": told.get("fileProperties", []),
        "id": job.text_id,
        "messages": told.get("messages", []),
        "status": job.status,
        "success": job.status == "Succeeded",
    }


# -- what is made


def _make(org: "EmulatedOrg", job: Job) -> tuple[dict[str, Any], bytes | None]:
    result: dict[str, Any] = {
        "errorMessage": None,
        "errorStatusCode": None,
        "fileProperties": [],
        "messages": [],
    }
    if packages := job.asked["packages"]:
        result["errorMessage"] = f"INVALID_CROSS_REFERENCE_KEY: No package named '{packages[0]}' found"
        result["errorStatusCode"] = "UNKNOWN_EXCEPTION"
        return result, None
    folder = "" if job.asked["single"] else f"{FOLDER}/"
    told, archive = _take(org, job, folder, job.asked["members"], job.asked["version"])
    return result | told, archive


def _take(
    org: "EmulatedOrg", job: Job, folder: str, members: Mapping[str, list[str]], version: str
) -> tuple[dict[str, Any], bytes]:
    taking = _Taking(org, folder)
    taking.take(members)
    taking.files[folder + MANIFEST] = write_manifest(taking.taken, version)
    taking.properties.append(_package_properties(org, job, folder + MANIFEST))
    return {"fileProperties": taking.properties, "messages": taking.messages}, write_zip(taking.files)


def after_deployment(org: "EmulatedOrg", job: Job, manifest: Manifest) -> dict[str, Any]:
    """The RetrieveResult of what a deployment's manifest names, with its archive, as the org has it now."""
    members = {name: list(names) for name, names in manifest.members.items()}
    folder = "" if job.asked["singlePackage"] else f"{FOLDER}/"
    told, archive = _take(org, job, folder, members, manifest.version or "")
    return {
        "done": True,
        "errorMessage": None,
        "errorStatusCode": None,
        "fileProperties": told["fileProperties"],
        "id": job.text_id,
        "messages": told["messages"],
        "status": "Succeeded",
        "success": True,
        "zipFile": base64.b64encode(archive).decode(),
    }


def _package_properties(org: "EmulatedOrg", job: Job, file: str) -> dict[str, Any]:
    user, now = ids.to_text(job.user), stamp(org.clock.now_ms())
    name = user_name(org, job.user)
    return {
        "createdById": user,
        "createdByName": name,
        "createdDate": now,
        "fileName": file,
        "fullName": file,
        "id": "",
        "lastModifiedById": user,
        "lastModifiedByName": name,
        "lastModifiedDate": now,
        "manageableState": "unmanaged",
        "namespacePrefix": None,
        "type": "Package",
    }


class _Taking:
    """The files of one retrieval as they come together."""

    def __init__(self, org: "EmulatedOrg", folder: str) -> None:
        self.org = org
        self.folder = folder
        self.files: Files = {}
        self.properties: list[dict[str, Any]] = []
        self.messages: list[dict[str, str]] = []
        self.taken: dict[str, list[str]] = {}
        self._loose: dict[tuple[str, str], Tree] = {}
        """Wholes of which parts are asked for, with those parts."""

    def take(self, members: Mapping[str, list[str]]) -> None:
        for type_name, names in members.items():
            if not described.is_known(type_name):
                self._report(f"Entity type: '{type_name}' is unknown")
            else:
                self._take_type(type_name, names)
        for (type_name, full_name), tree in self._loose.items():
            if self.folder + described.types()[type_name].path(full_name) not in self.files:
                self._add(type_name, full_name, tree)
        for full_name in self.taken.get("Profile", ()):
            tree = component_type("Profile").read(self.org, full_name) or {}
            self._add("Profile", full_name, self._narrowed(tree, members))

    def _narrowed(self, profile: Tree, members: Mapping[str, list[str]]) -> Tree:
        """A profile with what it says of components that come along."""
        asked = {
            type_name: {plain(name) for name in (*self.taken.get(type_name, ()), *members.get(type_name, ()))}
            for _, type_name in PROFILE_ENTRIES.values()
        }
        objects = asked["CustomObject"]
        made = dict(profile)
        for element, (label, type_name) in PROFILE_ENTRIES.items():
            of_objects = objects if type_name in ("CustomField", "RecordType") else ()
            kept = [
                item
                for item in each(profile, element)
                if (name := plain(text(item, label) or "")) in asked[type_name]
                or name.partition(".")[0] in of_objects
            ]
            made.pop(element, None)
            if kept:
                made[element] = list(kept)
        return made

    def _take_type(self, type_name: str, names: list[str]) -> None:
        known = composed.names_of(self.org, type_name)
        spelled = {plain(name): name for name in known}
        wanted = dict.fromkeys(_all(self.org, type_name, known) if EVERYTHING in names else ())
        for name in names:
            if name == EVERYTHING:
                continue
            if found := spelled.get(plain(name)):
                wanted[found] = None
            elif component_type(type_name).read(self.org, name) is not None:
                wanted[name] = None
            else:
                self._report_absent(type_name, [name])
        for name in wanted:
            self._take_one(type_name, name)

    def _take_one(self, type_name: str, full_name: str) -> None:
        if type_name in described.types():
            tree = composed.read_whole(self.org, type_name, full_name)
            if tree is None:
                return
            self._add(type_name, full_name, tree)
            self.properties.append(self._properties(type_name, full_name))
            self.taken.setdefault(type_name, []).append(full_name)
            return
        whole = (described.parents()[type_name].name, composed.owner_of(type_name, full_name))
        if composed.add_part(self._loose.setdefault(whole, {}), self.org, type_name, full_name):
            self.properties.append(self._properties(type_name, full_name))
            self.taken.setdefault(type_name, []).append(full_name)

    def _add(self, type_name: str, full_name: str, tree: Tree) -> None:
        for path, content in files_of(type_name, full_name, tree).items():
            self.files[self.folder + path] = content

    def _properties(self, type_name: str, full_name: str) -> dict[str, Any]:
        told = file_properties(self.org, type_name, full_name)
        return {**told, "fileName": self.folder + told["fileName"]}

    def _report_absent(self, type_name: str, names: Iterable[str]) -> None:
        for name in names:
            if name != EVERYTHING:
                self._report(f"Entity of type '{type_name}' named '{name}' cannot be found")

    def _report(self, problem: str) -> None:
        self.messages.append({"fileName": self.folder + MANIFEST, "problem": problem})


def _all(org: "EmulatedOrg", type_name: str, known: list[str]) -> list[str]:
    """What `*` means: of objects the custom ones, of types in folders nothing."""
    if type_name in NOT_ALL:
        return []
    if type_name == "CustomObject":
        return [name for name in known if (found := org.schema.get(name)) is None or found.custom]
    return known
