"""The list of components that a package names: `package.xml` and its destructive sisters.

Source: Metadata API Developer Guide, "Sample package.xml Manifest Files", "Deleting Components from an
Organization".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from reconciler.emulator.components import to_xml
from reconciler.emulator.metadata_xml import BadXml, Tree, each, parse, text, texts

MANIFEST = "package.xml"
DESTRUCTIVE = {
    "destructiveChangesPre.xml": False,
    "destructiveChanges.xml": False,
    "destructiveChangesPost.xml": True,
}
"""Files that list what to delete, and whether that comes after what is deployed."""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Members by type, as listed."""

    members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    version: str | None = None
    name: str | None = None
    """Of the package, when it is a managed or unmanaged one."""

    def named(self) -> Iterator[tuple[str, str]]:
        """Every member that is a name, with its type."""
        for type_name, members in self.members.items():
            for member in members:
                if member != EVERYTHING:
                    yield type_name, member

    def listing(self) -> Callable[[str, str], bool]:
        """A test whether a component is listed: named, encoded or not, or all of its type are."""
        named = {(type_name, plain(member)) for type_name, member in self.named()}
        whole = {type_name for type_name, members in self.members.items() if EVERYTHING in members}
        return lambda type_name, full_name: type_name in whole or (type_name, plain(full_name)) in named


def plain(full_name: str) -> str:
    """A name to compare by: file names encode what file systems dislike, manifests may or may not.

    Some clients name a folder with a slash at its end.
    """
    return unquote(full_name).lower().rstrip("/")


def manifest_of(tree: Tree) -> Manifest:
    """From the tree of a `Package`, or of the `unpackaged` part of a retrieve request."""
    members: dict[str, list[str]] = {}
    for item in each(tree, "types"):
        listed = members.setdefault(text(item, "name") or "", [])
        listed += [name for name in texts(item, "members") if name]
    members = {type_name: list(dict.fromkeys(listed)) for type_name, listed in members.items()}
    return Manifest(members, text(tree, "version"), text(tree, "fullName"))


def read_manifest(content: bytes) -> Manifest:
    """Raises `BadXml` for what is no package."""
    root, tree = parse(content)
    if root != "Package":
        raise BadXml(f"Element {root} is not a Package")
    return manifest_of(tree)


def write_manifest(members: Mapping[str, Sequence[str]], version: str, name: str | None = None) -> bytes:
    """A `package.xml` of these components, types and members in alphabetical order."""
    tree: Tree = {"fullName": [name]} if name else {}
    tree["types"] = [
        {"members": sorted(names, key=str.lower), "name": [type_name]}
        for type_name, names in sorted(members.items())
        if names
    ]
    return to_xml("Package", {**tree, "version": [version]})
