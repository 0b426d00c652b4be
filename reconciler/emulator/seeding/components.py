"""What one file of a project is as components: itself, its parts, its content, its place in a folder.

Source format and metadata format name alike what matters here: the type's directory stands somewhere
in the path, and below it folders of components, bundles and content files lie as in a package.

Source: Salesforce DX Developer Guide, "Source Format"; Metadata API Developer Guide, "Metadata Types".
"""

import io
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.emulator import metadata_xml
from reconciler.emulator.components import to_xml
from reconciler.emulator.metadata import composed, described
from reconciler.emulator.metadata.archive import ZIP_TIME
from reconciler.emulator.metadata_xml import BadXml, Tree

META = "-meta.xml"
BUNDLES = {"lwc": "LightningComponentBundle", "aura": "AuraDefinitionBundle"}
NOT_IN_BUNDLES = frozenset(["__tests__", "__mocks__", "jsconfig.json", ".eslintrc.json"])
Component = tuple[str, str, Tree, bytes]
"""Type, full name, tree, and the XML to keep."""


def components_of(
    path: Path, kind: str, base: str, tree: Tree, xml: bytes, plain: Callable[[bytes], bytes]
) -> Iterator[Component]:
    """The components of a file whose XML is ``tree``; ``plain`` takes tokens out of sources."""
    type_name, full_name = described.component_of(kind, base)
    told = described.types().get(type_name)
    if told is None or type_name == "CustomObject":
        yield kind, base, tree, xml
        return
    if told.in_folder:
        full_name = _below(path, told.directory, full_name) if kind == type_name else base
    if told.has_content:
        content = _content(path, plain)
        if content is not None:
            tree["content"] = [b64encode(content).decode()]
            xml = to_xml(type_name, tree)
    if not told.parts:
        yield type_name, full_name, tree, xml
        return
    whole, pieces = composed.apart(type_name, full_name, tree)
    if whole.tree or not pieces:
        yield type_name, full_name, whole.tree, to_xml(type_name, whole.tree)
    for piece in pieces:
        yield piece.type, piece.full_name, piece.tree, to_xml(piece.type, piece.tree)


def _below(path: Path, directory: str, name: str) -> str:
    """The name with the folders that stand between it and its type's directory."""
    folders = path.parent.parts
    if directory not in folders:
        return name
    at = len(folders) - folders[::-1].index(directory)
    return "/".join([*folders[at:], name])


def _content(path: Path, plain: Callable[[bytes], bytes]) -> bytes | None:
    """What a `-meta.xml` describes: the file it is named after, or a file or folder of its stem."""
    named = path.with_name(path.name.removesuffix(META))
    if named.is_file() and named != path:
        return plain(named.read_bytes()) if named.suffix != ".resource" else named.read_bytes()
    stem = named.stem
    folder = path.with_name(stem)
    if folder.is_dir():
        return _zipped(folder)
    found = sorted(each for each in path.parent.glob(f"{_literal(stem)}.*") if not each.name.endswith(META))
    return found[0].read_bytes() if found else None


def _literal(stem: str) -> str:
    return "".join(f"[{each}]" if each in "*?[" else each for each in stem)


def _zipped(folder: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in sorted(folder.rglob("*")):
            if each.is_file():
                name = each.relative_to(folder).as_posix()
                archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), each.read_bytes(), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def bundle_of(folder: Path, plain: Callable[[bytes], bytes]) -> Component | None:
    """The bundle that a folder below `lwc` or `aura` is; None for a folder that is none. Raises `BadXml`."""
    kind = BUNDLES.get(folder.parent.name)
    if kind is None:
        return None
    files = [
        each
        for each in sorted(folder.rglob("*"))
        if each.is_file() and not NOT_IN_BUNDLES.intersection(each.relative_to(folder).parts)
    ]
    tree: Tree = {}
    for each in files:
        if each.name.endswith(META):
            try:
                tree = metadata_xml.parse(each.read_bytes())[1]
            except BadXml as error:
                raise BadXml(f"{each}: {error}") from error
    if not files:
        return None
    tree["bundleFile"] = [
        {
            "path": [each.relative_to(folder).as_posix()],
            "source": [b64encode(plain(each.read_bytes())).decode()],
        }
        for each in files
    ]
    return kind, folder.name, tree, to_xml(kind, tree)
