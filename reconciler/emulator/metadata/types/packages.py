"""Installed packages: a namespace and the version that is there, of those that the org was told of.

Source: Metadata API Developer Guide, "InstalledPackage".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import StoredType, Written, register, write_stored
from reconciler.emulator.metadata_xml import Tree, text

if TYPE_CHECKING:
    from reconciler.emulator.writes import Transaction


@dataclass(frozen=True, slots=True)
class InstalledPackageType(StoredType):
    name: str = "InstalledPackage"

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        from reconciler.emulator.tooling import packages

        number = text(tree, "versionNumber") or ""
        found = packages.find(tx.org, full_name, number)
        if found is None:
            raise packages.absent_version(number)
        return write_stored(tx, self.name, found.namespace, {"versionNumber": [found.number]})


register(InstalledPackageType())
