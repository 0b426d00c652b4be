"""One deployment: files into components, in an order that makes sense, all or as much as fits.

What is to be deleted first goes first, then components by their types' order, then what is to be
deleted last. A component that refers to one that is not there yet is tried again after the others, as
long as that makes any of them fit. Each is written in a savepoint; whether the whole stays is decided
by whoever called (`deployments`), who undoes the transaction.

Source: Metadata API Developer Guide, "deploy()", "DeployMessage", "Deleting Components from an
Organization"; texts as seen in public deployments.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata import composed, described, developer_names, shapes
from reconciler.emulator.metadata.audit import audit_component
from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.metadata.composed import Piece
from reconciler.emulator.metadata.outcome import DeployOptions, Message, Outcome, message
from reconciler.emulator.metadata.package_files import Unit, packages, units
from reconciler.emulator.metadata.package_xml import DESTRUCTIVE, MANIFEST, Manifest, plain, read_manifest
from reconciler.emulator.metadata_xml import BadXml, Tree, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

FIRST = (
    "Settings",
    "GlobalValueSet",
    "StandardValueSet",
    "Role",
    "Group",
    "CustomObject",
    "CustomField",
    "Index",
    "BusinessProcess",
    "RecordType",
    "Queue",
    "CustomLabel",
    "CustomLabels",
    "CustomPermission",
    "RemoteSiteSetting",
    "CspTrustedSite",
    "StaticResource",
    "ContentAsset",
    "ExternalCredential",
    "NamedCredential",
    "ApexClass",
    "ApexComponent",
    "ApexPage",
    "ApexTrigger",
    "LightningMessageChannel",
    "AuraDefinitionBundle",
    "LightningComponentBundle",
    "EmailTemplate",
    "CompactLayout",
    "FieldSet",
    "ValidationRule",
    "WebLink",
    "CustomMetadata",
)
"""Types that others refer to, in the order they are written."""
LAST = (
    "Flow",
    "FlowDefinition",
    "QuickAction",
    "FlexiPage",
    "Layout",
    "CustomTab",
    "CustomApplication",
    "ListView",
    "SharingRules",
    "PermissionSet",
    "MutingPermissionSet",
    "PermissionSetGroup",
    "Profile",
)
"""Types that refer to others, in the order they are written; all that are in neither list go between."""
OLDEST_VERSION, NEWEST_VERSION = 7.0, 68.0
CHECKED_FROM = 30.0
"""Required elements of older versions are not known."""


@dataclass(frozen=True, slots=True)
class _Task:
    """One component to write, and the file it came from."""

    file: str
    piece: Piece

    @property
    def order(self) -> tuple[int, int]:
        name = self.piece.type
        late = self.piece.tree.get("formula") or text(self.piece.tree, "type") == "Summary"
        if name in FIRST:
            return FIRST.index(name), int(bool(late))
        return len(FIRST) + (1 + LAST.index(name) if name in LAST else 0), 0


def run(tx: "Transaction", files: Mapping[str, bytes], options: DeployOptions) -> Outcome:
    """Deploy everything that can be; what cannot is in the outcome. Undoes nothing but single components."""
    outcome = Outcome()
    for folder, content in packages(files, options["singlePackage"]).items():
        _Package(tx, f"{folder}/" if folder else "", content, options, outcome).run()
    return outcome


class _Package:
    """One package of an archive on its way into the org."""

    def __init__(
        self,
        tx: "Transaction",
        folder: str,
        files: Mapping[str, bytes],
        options: DeployOptions,
        outcome: Outcome,
    ) -> None:
        self.tx = tx
        self.folder = folder
        self.files = files
        self.options = options
        self.outcome = outcome
        self._sums: list[Unit] = []
        """Files that are nothing but their parts: labels, workflows."""

    def run(self) -> None:
        manifest = self._manifest(MANIFEST)
        if manifest is None or not self._accepts(manifest):
            return
        version = float(manifest.version or shapes.NEWEST)
        self._delete(after=False)
        tasks = self._tasks(manifest, list(units(self.files, version)))
        self._write(sorted(tasks, key=lambda task: task.order), version)
        self._delete(after=True)
        self.outcome.add(message(self.folder + MANIFEST, MANIFEST, "", changed=True))

    # -- manifests

    def _manifest(self, name: str) -> Manifest | None:
        content = self.files.get(name)
        if content is None:
            self._fail(name, name, "", "No package.xml found")
            return None
        try:
            return read_manifest(content)
        except BadXml as error:
            self._fail(name, name, "", f"Error parsing file: {error}")
            return None

    def _accepts(self, manifest: Manifest) -> bool:
        """Whether the manifest can be followed; says why not."""
        problems = [
            f"Unknown type name '{name}' specified in package.xml"
            for name in manifest.members
            if not described.is_known(name)
        ]
        try:
            version = float(manifest.version or "")
        except ValueError:
            version = 0.0
        if not OLDEST_VERSION <= version <= NEWEST_VERSION:
            problems.append(f"Invalid version specified:{manifest.version}")
        for problem in problems:
            self._fail(MANIFEST, MANIFEST, "", problem)
        return not problems

    # -- what is written

    def _tasks(self, manifest: Manifest, found: list[Unit]) -> list[_Task]:
        """The components that files and manifest both name; what only one names is a problem."""
        is_listed = manifest.listing()
        tasks: list[_Task] = []
        present: set[tuple[str, str]] = set()
        for unit in found:
            present |= {(piece.type, plain(piece.full_name)) for piece in unit.all()}
            listed = [
                piece
                for piece in unit.all()
                if self.options["autoUpdatePackage"] or is_listed(piece.type, piece.full_name)
            ]
            if not listed:
                self._fail(unit.path, unit.whole.full_name, unit.whole.type, "Not in package.xml")
            elif unit.problem is not None:
                self._fail(unit.path, unit.whole.full_name, unit.whole.type, unit.problem)
            else:
                if unit.whole in listed and (unit.whole.tree or not unit.pieces):
                    tasks.append(_Task(unit.path, unit.whole))
                elif unit.whole in listed:
                    self._sums.append(unit)
                tasks += [_Task(unit.path, piece) for piece in unit.pieces]
        self._report_missing(manifest, present)
        return tasks

    def _report_missing(self, manifest: Manifest, present: set[tuple[str, str]]) -> None:
        for type_name, full_name in manifest.named():
            if (type_name, plain(full_name)) not in present:
                problem = (
                    f"An object '{full_name}' of type {type_name} was named in package.xml, "
                    "but was not found in zipped directory"
                )
                if self.options["allowMissingFiles"]:
                    told = message(
                        self.folder + MANIFEST, full_name, "", problem=problem, warning=True, success=True
                    )
                    self.outcome.add(told)
                else:
                    self._fail(MANIFEST, full_name, "", problem)

    def _write(self, tasks: list[_Task], version: float) -> None:
        """Write all, again and again those that refer to what was not there, until none fits any more."""
        written: dict[int, Message] = {}
        left = list(enumerate(tasks))
        while left:
            refused = []
            for at, task in left:
                written[at] = self._write_one(task, version)
                if not written[at]["success"]:
                    refused.append((at, task))
            if len(refused) == len(left):
                _blame_parents([written[at] for at, _ in refused])
                break
            left = refused
        self.outcome.add_all(written[at] for at in sorted(written))
        changed = {(each["componentType"], each["fullName"]) for each in written.values() if each["changed"]}
        for unit in self._sums:
            any_changed = any((piece.type, piece.full_name) in changed for piece in unit.pieces)
            whole = unit.whole
            self.outcome.add(
                message(self.folder + unit.path, whole.full_name, whole.type, changed=any_changed)
            )

    def _write_one(self, task: _Task, version: float) -> Message:
        piece, file = task.piece, self.folder + task.file
        try:
            with self.tx.savepoint():
                if version >= CHECKED_FROM:
                    check_required(described.root_of(piece.type, piece.full_name), piece.tree)
                developer_names.check(piece.type, piece.full_name)
                made = component_type(piece.type).write(self.tx, piece.full_name, piece.tree)
                if made.created or made.changed:
                    verb = "created" if made.created else "changed"
                    audit_component(self.tx, verb, piece.type, piece.full_name)
        except (ComponentProblem, ApiError) as error:
            return message(file, piece.full_name, piece.type, problem=as_problem(error))
        return message(
            file,
            piece.full_name,
            piece.type,
            record_id=made.id,
            created=made.created,
            changed=made.created or made.changed,
        )

    # -- what is deleted

    def _delete(self, after: bool) -> None:
        for name, is_after in DESTRUCTIVE.items():
            if name not in self.files or is_after is not after:
                continue
            manifest = self._manifest(name)
            if manifest is None:
                continue
            self._delete_all(name, list(deletion_order(manifest)))

    def _delete_all(self, file: str, named: list[tuple[str, str]]) -> None:
        """Delete what is named, again and again what others used that are gone since."""
        told: dict[int, Message] = {}
        left = list(enumerate(named))
        while left:
            refused = []
            for at, (type_name, full_name) in left:
                told[at] = self._delete_one(file, type_name, full_name)
                if told[at]["problemType"] == "Error":
                    refused.append((at, (type_name, full_name)))
            if len(refused) == len(left):
                break
            left = refused
        self.outcome.add_all(told[at] for at in sorted(told))

    def _delete_one(self, name: str, type_name: str, full_name: str) -> Message:
        file = self.folder + name
        if not described.is_known(type_name):
            problem = f"Unknown type name '{type_name}' specified in package.xml"
            return message(file, full_name, type_name, problem=problem)
        if not exists(self.tx.org, type_name, full_name):
            return self._warning(name, full_name, type_name, f"No {type_name} named: {full_name} found")
        try:
            with self.tx.savepoint():
                deleted = composed.delete_whole(self.tx, type_name, full_name)
                audit_component(self.tx, "deleted", type_name, full_name)
        except (ComponentProblem, ApiError) as error:
            return message(file, full_name, type_name, problem=as_problem(error))
        return message(file, full_name, type_name, record_id=deleted, changed=True, deleted=True)

    # -- what is told

    def _fail(self, file: str, full_name: str, type_name: str, problem: ComponentProblem | str) -> None:
        self.outcome.add(message(self.folder + file, full_name, type_name, problem=problem))

    def _warning(self, file: str, full_name: str, type_name: str, problem: str) -> Message:
        """A warning is a failure unless warnings are to be ignored."""
        return message(
            self.folder + file,
            full_name,
            type_name,
            problem=problem,
            warning=True,
            success=self.options["ignoreWarnings"],
        )


def _blame_parents(failures: list[Message]) -> None:
    """Parts of an object that failed have that for their problem."""
    failed = {each["fullName"] for each in failures if each["componentType"] == "CustomObject"}
    for each in failures:
        separator = "-" if each["componentType"] == "Layout" else "."
        owner, parted, _ = each["fullName"].partition(separator)
        if parted and owner in failed:
            each["problem"] = "Parent entity failed to deploy"


def as_problem(error: ComponentProblem | ApiError) -> ComponentProblem:
    """A refusal of a row that a component is made of, as the component's problem."""
    if isinstance(error, ComponentProblem):
        return error
    return ComponentProblem(error.message, status_code=error.code, fields=error.fields or ())


def check_required(type_name: str, tree: Tree) -> None:
    """Raises the `ComponentProblem` of a component that lacks what its type demands."""
    if absent := shapes.missing(type_name, tree):
        raise ComponentProblem(
            f"Required field is missing: {absent[0]}", status_code="REQUIRED_FIELD_MISSING", fields=absent[:1]
        )


def exists(org: "EmulatedOrg", type_name: str, full_name: str) -> bool:
    """Whether the org has a component, or a whole that is known by its parts."""
    if component_type(type_name).read(org, full_name) is not None:
        return True
    return any(True for _ in composed.parts_of(org, type_name, full_name))


def deletion_order(manifest: Manifest) -> Iterable[tuple[str, str]]:
    """What a manifest names, those that refer to others first; `*` is a name like any other here."""
    places = {name: at for at, name in enumerate((*FIRST, "", *LAST))}
    middle = places[""]
    named = [(kind, name) for kind, names in manifest.members.items() for name in names]
    return sorted(named, key=lambda each: -places.get(each[0], middle))
