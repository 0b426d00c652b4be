"""A package's files into components, and components into files.

A component's file lies in its type's directory and ends in its suffix. Types with content have a
`-meta.xml` beside it; a bundle is a folder; types in folders lie one deeper, and each folder has a
`-meta.xml` of its own. Files of an object hold its parts too (`composed`).

Source: Metadata API Developer Guide, "Metadata Types" and "Unsupported Metadata Types"; the layout of
public packages.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.emulator.components import NAMESPACE, to_xml
from reconciler.emulator.metadata import composed, described, shapes
from reconciler.emulator.metadata.archive import Files
from reconciler.emulator.metadata.composed import Piece
from reconciler.emulator.metadata.described import Described
from reconciler.emulator.metadata.package_xml import DESTRUCTIVE, MANIFEST
from reconciler.emulator.metadata_xml import BadXml, Tree, parse

META = "-meta.xml"


@dataclass(frozen=True, slots=True)
class Unit:
    """The components of one file (or bundle) of a package, the whole first."""

    path: str
    whole: Piece
    pieces: tuple[Piece, ...] = ()
    problem: str | None = None
    """Why the file cannot be read; then there are no pieces."""

    def all(self) -> Iterator[Piece]:
        yield self.whole
        yield from self.pieces


def packages(files: Mapping[str, bytes], single: bool) -> dict[str, Files]:
    """The packages of an archive by their folder: one without a folder, or one a folder."""
    if single:
        return {"": dict(files)}
    found: dict[str, Files] = {}
    for path, content in files.items():
        folder, _, rest = path.partition("/")
        if rest:
            found.setdefault(folder, {})[rest] = content
    return found or {"": dict(files)}


def units(files: Mapping[str, bytes], version: float) -> Iterator[Unit]:
    """Everything below the directories of known types, in the order of the paths."""
    bundles: dict[tuple[str, str], Files] = {}
    for path in sorted(files):
        directory, _, rest = path.partition("/")
        kinds = described.by_directory().get(directory, ())
        if not rest or not kinds or path in DESTRUCTIVE or path == MANIFEST:
            continue
        if bundle := next((each for each in kinds if each.is_bundle), None):
            name, _, inside = rest.partition("/")
            ending = f".{bundle.suffix}{META}"
            if inside:
                bundles.setdefault((bundle.name, name), {})[inside] = files[path]
            elif bundle.suffix and name.endswith(ending):
                bundles.setdefault((bundle.name, name.removesuffix(ending)), {})
        elif (kind := _kind_of(kinds, rest)) and (unit := _unit(kind, path, rest, files, version)):
            yield unit
    for (type_name, name), content in bundles.items():
        kind = described.types()[type_name]
        yield _bundle(kind, name, content, files.get(kind.path(name) + META) if kind.suffix else None)


def _kind_of(kinds: tuple[Described, ...], rest: str) -> Described | None:
    """The type whose suffix a file has; several types can share a directory."""
    bare = rest.removesuffix(META)
    for kind in kinds:
        if kind.suffix is None or bare.endswith(f".{kind.suffix}"):
            return kind
        if kind.in_folder and bare != rest and "." not in bare:
            return kind
    return None


def _unit(kind: Described, path: str, rest: str, files: Mapping[str, bytes], version: float) -> Unit | None:
    bare = rest.removesuffix(META)
    name = bare.removesuffix(f".{kind.suffix}") if kind.suffix else bare
    is_meta = bare != rest
    if kind.in_folder and is_meta and f"{kind.directory}/{bare}" not in files:
        return _plain(kind, path, name, files[path], version)  # a folder
    if not kind.has_content:
        return None if is_meta else _plain(kind, path, name, files[path], version)
    if is_meta:
        lonely = f"{kind.directory}/{bare}" not in files
        return _unreadable(kind, path, name, f"Missing content file: {bare}") if lonely else None
    meta = files.get(path + META)
    if meta is None:
        return _unreadable(kind, path, name, f"Missing metadata file: {rest}{META}")
    unit = _plain(kind, path, name, meta, version)
    if unit.problem is None:
        unit.whole.tree["content"] = [base64.b64encode(files[path]).decode()]
    return unit


def _plain(kind: Described, path: str, name: str, content: bytes, version: float) -> Unit:
    try:
        root, tree = parse(content)
    except BadXml as error:
        return _unreadable(kind, path, name, f"Error parsing file: {error}")
    if not _may_begin(kind, root):
        problem: str | None = f"Element {{{NAMESPACE}}}{root} invalid at this location"
    else:
        problem = shapes.misfit(root, tree, version)
    if problem:
        return _unreadable(kind, path, name, f"Error parsing file: {problem}")
    whole, pieces = composed.apart(kind.name, name, tree)
    return Unit(path, whole, tuple(pieces))


def _may_begin(kind: Described, root: str) -> bool:
    """Whether a file in a type's directory may begin with an element."""
    if kind.name == described.SETTINGS:
        return described.is_settings(root) and shapes.elements(root) is not None
    if shapes.elements(kind.name) is None:  # the WSDL does not know what it is called inside
        return True
    same_place = [
        each.name for each in described.by_directory()[kind.directory] if each.suffix == kind.suffix
    ]
    return root in (*same_place, described.FOLDER_ROOTS.get(kind.name, kind.name))


def _unreadable(kind: Described, path: str, name: str, problem: str) -> Unit:
    return Unit(path, Piece(kind.name, name, {}), problem=problem)


def _bundle(kind: Described, name: str, content: Files, beside: bytes | None) -> Unit:
    """A folder of files; its own `-meta.xml`, or the one beside it, gives the tree, all files are kept."""
    tree: Tree = {}
    path = f"{kind.directory}/{name}"
    if beside is not None:
        try:
            tree = parse(beside)[1]
        except BadXml as error:
            return _unreadable(kind, kind.path(name) + META, name, f"Error parsing file: {error}")
    for inside in sorted(content):
        if inside.endswith(META) and "/" not in inside:
            try:
                tree = parse(content[inside])[1]
            except BadXml as error:
                return _unreadable(kind, f"{path}/{inside}", name, f"Error parsing file: {error}")
    files: list[Tree] = [
        {"path": [inside], "source": [base64.b64encode(content[inside]).decode()]}
        for inside in sorted(content)
    ]
    return Unit(path, Piece(kind.name, name, {**tree, "bundleFile": [*files]}))


# -- back into files


def files_of(type_name: str, full_name: str, tree: Tree) -> Files:
    """The files of a component as a package has them; a whole's tree holds its parts already."""
    kind = described.types()[type_name]
    if kind.is_bundle:
        beside = {name: items for name, items in tree.items() if name != "bundleFile"} if kind.suffix else {}
        made = {kind.path(full_name) + META: _xml(type_name, beside)} if beside else {}
        return made | {
            f"{kind.directory}/{full_name}/{file['path'][0]}": base64.b64decode(file["source"][0] or "")
            for file in tree.get("bundleFile", ())
        }
    if kind.in_folder and "/" not in full_name:
        return {f"{kind.directory}/{full_name}{META}": _xml(described.root_of(type_name, full_name), tree)}
    path = kind.path(full_name)
    if not kind.has_content:
        return {path: _xml(described.root_of(type_name, full_name), tree)}
    rest = {name: items for name, items in tree.items() if name != "content"}
    content = (tree.get("content") or [""])[0] or ""
    return {path: base64.b64decode(content), path + META: _xml(type_name, rest)}


def _xml(root: str, tree: Tree) -> bytes:
    return to_xml(root, shapes.ordered(root, tree))
