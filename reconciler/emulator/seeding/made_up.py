"""What a seed's components name and its project left out: pages, classes, bundles, fields of other packages.

Where the project is, they are too, so they are made up: it can be deployed onto its seed.
"""

from typing import TYPE_CHECKING

from reconciler.emulator.components import to_xml

from .report import Found, LoadReport
from .rows import LOADERS, Loading
from .schema import stub_field

if TYPE_CHECKING:
    from reconciler.emulator.metadata.types.references import Reference
    from reconciler.emulator.org import EmulatedOrg

CODE = ("ApexClass", "ApexPage")
BUNDLES = ("AuraDefinitionBundle", "LightningComponentBundle")


def make_up_named(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    """Make what components name and nothing in the org has, as far as it is code or a field."""
    from reconciler.emulator.metadata.types import references

    loading = Loading(org, report)
    for kind, named in found.items():
        if kind in references.REFERENCES:
            for full_name, (tree, _) in named.items():
                for absent in list(references.absent(org, kind, full_name, tree)):
                    _make_up(loading, absent)


def _make_up(loading: Loading, absent: "Reference") -> None:
    org, name = loading.org, absent.full_name
    if absent.kind == "field":
        stub_field(org, name, loading.report)
    elif absent.kind in (*CODE, *BUNDLES) and name.isidentifier():
        if absent.kind in CODE:
            dict(LOADERS)[absent.kind](loading, name, {})
        else:
            org.components.put(absent.kind, name, to_xml(absent.kind, {}), org.clock.now_ms())
        loading.report.stubs.append(f"{absent.kind} {name}")
