"""What a seed's components name and its project left out: pages, classes, bundles, fields of other packages.

Where the project is, they are too, so they are made up: it can be deployed onto its seed.
"""

from typing import TYPE_CHECKING

from reconciler.emulator.components import to_xml

from .report import Found, LoadReport
from .rows import LOADERS, Loading
from .schema import stub_field

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

CODE = ("ApexClass", "ApexPage")
BUNDLES = ("AuraDefinitionBundle", "LightningComponentBundle")


def make_up_named(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    """Make what components name and neither the org nor the project has, as far as it is code or a field."""
    from reconciler.emulator.metadata.types import flow_references, references

    loading = Loading(org, report)
    own = {(kind, name.lower()) for kind in (*CODE, *BUNDLES) for name in found.get(kind, ())}
    for kind, named in found.items():
        if kind in references.REFERENCES:
            for full_name, (tree, _) in named.items():
                for absent in list(references.absent(org, kind, full_name, tree)):
                    _make_up(loading, own, absent.kind, absent.full_name)
    for tree, _ in found.get("Flow", {}).values():
        for one in list(flow_references.absent(org, tree)):
            if one.kind == flow_references.FIELD:
                _make_up(loading, own, "field", f"{one.sobject}.{one.name}")
            elif one.kind == flow_references.APEX:
                _make_up(loading, own, "ApexClass", one.name)


def _make_up(loading: Loading, own: set[tuple[str, str]], kind: str, name: str) -> None:
    org = loading.org
    if kind == "field":
        stub_field(org, name, loading.report)
    elif kind in (*CODE, *BUNDLES) and name.isidentifier() and (kind, name.lower()) not in own:
        if kind in CODE:
            dict(LOADERS)[kind](loading, name, {})
        else:
            org.components.put(kind, name, to_xml(kind, {}), org.clock.now_ms())
        loading.report.stubs.append(f"{kind} {name}")
