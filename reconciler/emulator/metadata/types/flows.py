"""Flows: a definition with versions, of which one may be active.

`FlowDefinition` holds the number of the active version and nothing else; each version is a
`FlowVersion` named `Order_Router-3`, a type of our own that no package can name; `Flow` is what
packages and readers see: its newest version, or the one that is asked for by number.

Writing a flow that differs from its newest version makes a version; its `status` decides whether that
becomes the active one. The version that was active before is Obsolete then. What is active is kept
in one place, so the status of every version follows from it.

Source: Metadata API Developer Guide, "Flow", "FlowDefinition"; Tooling API, "FlowDefinition".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.components import to_xml
from reconciler.emulator.metadata.component_types import (
    ComponentProblem,
    Facts,
    StoredType,
    Written,
    no_component,
    register,
    stored_facts,
    write_stored,
)
from reconciler.emulator.metadata.types import flow_references
from reconciler.emulator.metadata_xml import Tree, number, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

FLOW, VERSION, DEFINITION = "Flow", "FlowVersion", "FlowDefinition"
ACTIVE, DRAFT, OBSOLETE, INVALID = "Active", "Draft", "Obsolete", "InvalidDraft"
NUMBER = "activeVersionNumber"


def version_name(name: str, version: int) -> str:
    return f"{name}-{version}"


def split(full_name: str) -> tuple[str, int | None]:
    """A flow's name and the version in it, if there is one.

    >>> split("Order_Router-3"), split("Order_Router")
    (('Order_Router', 3), ('Order_Router', None))
    """
    name, _, version = full_name.rpartition("-")
    return (name, int(version)) if name and version.isdigit() else (full_name, None)


def versions(org: "EmulatedOrg", name: str) -> list[int]:
    """The numbers of a flow's versions, rising."""
    adopt(org)
    found = [split(each) for each in org.components.names(VERSION)]
    return sorted(at for each, at in found if at is not None and each.lower() == name.lower())


def active_version(org: "EmulatedOrg", name: str) -> int | None:
    """The number of the active version; None while the flow is off."""
    return number(org.components.tree(DEFINITION, name) or {}, NUMBER) or None


def flow_names(org: "EmulatedOrg") -> list[str]:
    adopt(org)
    return list(dict.fromkeys(split(each)[0] for each in org.components.names(VERSION)))


def adopt(org: "EmulatedOrg") -> None:
    """Make versions of flows that a seed left as plain components."""
    plain = org.components.names(FLOW)
    if not plain:
        return
    from reconciler.emulator.writes import Transaction

    with org.store.transaction():
        tx = Transaction(org, org.admin_number)
        for full_name in plain:
            name, _ = split(full_name)
            tree = org.components.tree(FLOW, full_name) or {}
            wanted = number(org.components.tree(DEFINITION, name) or {}, NUMBER, -1)
            org.components.remove(FLOW, full_name)
            _add_version(tx, name, tree)
            if wanted >= 0:
                _set_active(tx, name, wanted or None)


def _add_version(tx: "Transaction", name: str, tree: Tree) -> int:
    """Keep a tree as the next version, and make it active if it says so; its number."""
    found = [split(each) for each in tx.org.components.names(VERSION)]
    known = [at for each, at in found if at is not None and each.lower() == name.lower()]
    version = max(known, default=0) + 1
    kept = {**tree, "status": [_resting(tree)]}
    kept.pop("fullName", None)
    tx.org.components.put(VERSION, version_name(name, version), to_xml(FLOW, kept), tx.stamp, tx.user)
    if tx.org.components.tree(DEFINITION, name) is None:
        _keep_definition(tx, name, {})
    if text(tree, "status") == ACTIVE:
        _set_active(tx, name, version)
    return version


def _resting(tree: Tree) -> str:
    """The status that a version has while it is not the active one."""
    told = text(tree, "status") or DRAFT
    return OBSOLETE if told == ACTIVE else told


def _keep_definition(tx: "Transaction", name: str, tree: Tree) -> None:
    tx.org.components.put(DEFINITION, name, to_xml(DEFINITION, tree), tx.stamp, tx.user)


def _set_active(tx: "Transaction", name: str, version: int | None) -> None:
    """Make one version the active one, or none. Raises for a version that is not there."""
    org = tx.org
    definition = org.components.tree(DEFINITION, name) or {}
    before = number(definition, NUMBER) or None
    if version is not None:
        tree = org.components.tree(VERSION, version_name(name, version))
        if tree is None:
            raise ComponentProblem(
                f"The version of the flow you're trying to activate doesn't exist: {version}",
                status_code="FIELD_INTEGRITY_EXCEPTION",
            )
        if text(tree, "status") == INVALID:
            raise ComponentProblem(
                "The flow can't be activated because it has errors.", status_code="FIELD_INTEGRITY_EXCEPTION"
            )
        _rest(tx, name, version)
    if before == version:
        return
    others = {each: items for each, items in definition.items() if each != NUMBER}
    _keep_definition(tx, name, others if version is None else {NUMBER: [str(version)], **others})


def _rest(tx: "Transaction", name: str, version: int, status: str = OBSOLETE) -> None:
    """Note the status that a version has when it is no longer the active one."""
    full_name = version_name(name, version)
    tree = tx.org.components.tree(VERSION, full_name) or {}
    if text(tree, "status") != status:
        tx.org.components.put(
            VERSION, full_name, to_xml(FLOW, {**tree, "status": [status]}), tx.stamp, tx.user
        )


def read_version(org: "EmulatedOrg", name: str, version: int) -> Tree | None:
    """A version with the status that it has now."""
    tree = org.components.tree(VERSION, version_name(name, version))
    if tree is None:
        return None
    tree.pop("fullName", None)
    if active_version(org, name) == version:
        tree["status"] = [ACTIVE]
    return tree


@dataclass(frozen=True, slots=True)
class FlowVersionType(StoredType):
    """The versions as components of their own; what the Tooling API calls Flow."""

    name: str = VERSION

    def names(self, org: "EmulatedOrg") -> list[str]:
        adopt(org)
        return org.components.names(VERSION)

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        adopt(org)
        name, version = split(full_name)
        return None if version is None else read_version(org, name, version)

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        """Change a version in place. The active one keeps its content; its status may change."""
        name, version = split(full_name)
        old = None if version is None else read_version(tx.org, name, version)
        if version is None or old is None:
            raise no_component(FLOW, full_name)
        before, after = text(old, "status"), text(tree, "status") or DRAFT
        if _content(old) != _content(tree):
            if before == ACTIVE:
                raise ComponentProblem(
                    "You can't update an active flow version.", status_code="FIELD_INTEGRITY_EXCEPTION"
                )
            tx.org.components.put(
                VERSION, full_name, to_xml(FLOW, {**tree, "status": [_resting(tree)]}), tx.stamp, tx.user
            )
        if after == ACTIVE:
            _set_active(tx, name, version)
        else:
            if before == ACTIVE:
                _set_active(tx, name, None)
            _rest(tx, name, version, after)
        facts = self.facts(tx.org, full_name)
        return Written(facts.id if facts else "", created=False, changed=old != self.read(tx.org, full_name))

    def delete(self, tx: "Transaction", full_name: str) -> str:
        name, version = split(full_name)
        facts = self.facts(tx.org, full_name)
        if facts is None or version is None:
            raise no_component(FLOW, full_name)
        if active_version(tx.org, name) == version:
            raise ComponentProblem("You can't delete an active flow version.", status_code="DELETE_FAILED")
        tx.org.components.remove(VERSION, full_name)
        if not versions(tx.org, name):
            tx.org.components.remove(DEFINITION, name)
        return facts.id


@dataclass(frozen=True, slots=True)
class FlowType(StoredType):
    """Flows as packages have them: the newest version, under the flow's name."""

    name: str = FLOW

    def names(self, org: "EmulatedOrg") -> list[str]:
        return flow_names(org)

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        version = self._version(org, full_name)
        return None if version is None else read_version(org, split(full_name)[0], version)

    def _version(self, org: "EmulatedOrg", full_name: str) -> int | None:
        """The version that a name means: the one it names, else the active one, else the newest."""
        name, asked = split(full_name)
        known = versions(org, name)
        if asked is not None:
            return asked if asked in known else None
        return active_version(org, name) or (known[-1] if known else None)

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        name, _ = split(full_name)
        known = versions(tx.org, name)
        if not text(tree, "label"):
            raise ComponentProblem(
                "Required field is missing: label", status_code="REQUIRED_FIELD_MISSING", fields=["label"]
            )
        if text(tree, "status") == ACTIVE:
            flow_references.check(tx.org, tree)
        same = next((each for each in reversed(known) if self._is(tx.org, name, each, tree)), None)
        if same is None:
            version = _add_version(tx, name, tree)
            return Written(self._id(tx.org, name, version), created=not known, changed=True)
        changed = self._follow_status(tx, name, same, text(tree, "status") or DRAFT)
        return Written(self._id(tx.org, name, same), created=False, changed=changed)

    def _is(self, org: "EmulatedOrg", name: str, version: int, tree: Tree) -> bool:
        """Whether a version that counts (the newest, the active one) has this content."""
        counts = version in (active_version(org, name), versions(org, name)[-1])
        return counts and _content(read_version(org, name, version) or {}) == _content(tree)

    def _follow_status(self, tx: "Transaction", name: str, version: int, wanted: str) -> bool:
        before = active_version(tx.org, name)
        if wanted == ACTIVE:
            _set_active(tx, name, version)
        elif before == version:
            _set_active(tx, name, None)
            _rest(tx, name, version, wanted)
        return active_version(tx.org, name) != before

    def _id(self, org: "EmulatedOrg", name: str, version: int) -> str:
        facts = stored_facts(org, VERSION, version_name(name, version))
        return facts.id if facts else ""

    def delete(self, tx: "Transaction", full_name: str) -> str:
        name, asked = split(full_name)
        known = versions(tx.org, name)
        if not known:
            raise no_component(FLOW, full_name)
        kind = FlowVersionType()
        if asked is not None:
            return kind.delete(tx, full_name)
        if active_version(tx.org, name) is not None:
            raise ComponentProblem(
                "insufficient access rights on cross-reference id",
                status_code="INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            )
        return [kind.delete(tx, version_name(name, each)) for each in known][-1]

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        known = versions(tx.org, old)
        if not known:
            raise no_component(FLOW, old)
        if versions(tx.org, new):
            raise ComponentProblem(f"{new} is already in use", status_code="DUPLICATE_DEVELOPER_NAME")
        for each in known:
            tx.org.components.rename(VERSION, version_name(old, each), version_name(new, each))
        tx.org.components.rename(DEFINITION, old, new)

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        version = self._version(org, full_name)
        return (
            None
            if version is None
            else stored_facts(org, VERSION, version_name(split(full_name)[0], version))
        )


def _content(tree: Tree) -> Tree:
    return {name: items for name, items in tree.items() if name not in ("status", "fullName")}


@dataclass(frozen=True, slots=True)
class FlowDefinitionType(StoredType):
    """The switch of a flow: which version is active; 0 or nothing turns it off."""

    name: str = DEFINITION

    def names(self, org: "EmulatedOrg") -> list[str]:
        adopt(org)
        return org.components.names(DEFINITION)

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        adopt(org)
        tree = org.components.tree(DEFINITION, full_name)
        if tree is not None:
            tree.pop("fullName", None)
        return tree

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        adopt(tx.org)
        old = self.read(tx.org, full_name)
        if old is None or not versions(tx.org, full_name):
            raise no_component(FLOW, full_name)
        _set_active(tx, full_name, number(tree, NUMBER) or None)
        told = {name: items for name, items in tree.items() if name not in (NUMBER, "fullName")}
        active = (self.read(tx.org, full_name) or {}).get(NUMBER)
        new: Tree = {NUMBER: active, **told} if active else told
        written = write_stored(tx, DEFINITION, full_name, new)
        return Written(written.id, created=False, changed=old != self.read(tx.org, full_name))

    def delete(self, tx: "Transaction", full_name: str) -> str:
        facts = self.facts(tx.org, full_name)
        if facts is None:
            raise no_component(DEFINITION, full_name)
        FlowType().delete(tx, full_name)
        return facts.id


register(FlowVersionType())
register(FlowType())
register(FlowDefinitionType())
