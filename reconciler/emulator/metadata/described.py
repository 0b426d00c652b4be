"""Which types of components there are, and how their files are laid out in a package.

`types.txt` has a line a type: name, directory, suffix (`-` for none), words, and the types whose
components are parts of its files as `element:Type`. The words: ``folder`` (components live in folders
of their own), ``content`` (beside each file there is a `-meta.xml`), ``bundle`` (a component is a folder
of files; with a suffix, what it says of itself is in a `-meta.xml` beside the folder).

Source: Metadata API Developer Guide, "describeMetadata()"; the registry of the public Salesforce
command line and the public WSDL of API 63 for names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

FOLDERS = {
    "ReportFolder": "Report",
    "DashboardFolder": "Dashboard",
    "DocumentFolder": "Document",
    "EmailFolder": "EmailTemplate",
}
"""What the folders of some types are called: components of that type with a name without a slash."""
FOLDER_ROOTS = {name: root for root, name in FOLDERS.items()}
SETTINGS = "Settings"
"""One type for all settings: `AccountSettings` is the component `Account` of it."""


@dataclass(frozen=True, slots=True)
class Described:
    """One type. ``parts`` maps elements of its files to the types of components these are."""

    name: str
    directory: str
    suffix: str | None
    in_folder: bool = False
    has_content: bool = False
    is_bundle: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)

    def path(self, full_name: str) -> str:
        """Where a component's file is in a package; for a bundle its folder."""
        ending = f".{self.suffix}" if self.suffix else ""
        return f"{self.directory}/{full_name}{ending}"


@cache
def types() -> Mapping[str, Described]:
    """All types by name, in their order."""
    content = (resources.files(__package__) / "types.txt").read_text(encoding="utf-8")
    return {each.name: each for each in map(_parse, content.splitlines())}


def _parse(line: str) -> Described:
    name, directory, suffix, words, *parts = line.split()
    flags = words.split("+")
    return Described(
        name,
        directory,
        None if suffix == "-" else suffix,
        "folder" in flags,
        "content" in flags,
        "bundle" in flags,
        dict(each.split(":", 1) for each in parts),
    )


@cache
def parents() -> Mapping[str, Described]:
    """Types whose components are parts of another's files, and that other type."""
    return {part: each for each in types().values() for part in each.parts.values()}


def element_of(part: str) -> str:
    """The element of the parent's file that holds components of a part's type."""
    return next(element for element, name in parents()[part].parts.items() if name == part)


@cache
def by_directory() -> Mapping[str, tuple[Described, ...]]:
    found: dict[str, list[Described]] = {}
    for each in types().values():
        found.setdefault(each.directory, []).append(each)
    return {directory: tuple(each) for directory, each in found.items()}


def is_known(name: str) -> bool:
    """Whether a package may name the type: one of its own, or a part of another's files."""
    return name in types() or name in parents() or name in FOLDERS or is_settings(name)


def is_settings(name: str) -> bool:
    """Whether a name is of one kind of settings, which are components of the type Settings."""
    return name.endswith(SETTINGS) and name not in types()


def component_of(root: str, full_name: str) -> tuple[str, str]:
    """The type and name that a component goes by, from its element's name and its own.

    >>> component_of("AccountSettings", "Account")
    ('Settings', 'Account')
    """
    if is_settings(root):
        return SETTINGS, full_name or root.removesuffix(SETTINGS)
    return FOLDERS.get(root, root), full_name


def root_of(type_name: str, full_name: str) -> str:
    """The element that a component's file begins with, which is the name of its shape.

    >>> root_of("Settings", "Account"), root_of("Report", "Sales"), root_of("Report", "Sales/Open")
    ('AccountSettings', 'ReportFolder', 'Report')
    """
    if type_name == SETTINGS:
        return f"{full_name}{SETTINGS}"
    if "/" not in full_name and type_name in FOLDER_ROOTS:
        return FOLDER_ROOTS[type_name]
    return type_name
