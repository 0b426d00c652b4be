"""The embedded emulated org: `.reconcile/NAME.db`, made with the demo's schema when first used."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.spec.orgs import OrgConfig

DEMO_SCHEMA = Path(__file__).with_name("demo_schema")


def open_emulated_org(folder: Path, org: "OrgConfig") -> "EmulatedOrg":
    """The org in its file; a new one is seeded with its folders, or with the demo's schema."""
    from reconciler.emulator.org import EmulatedOrg

    file = folder / f"{org.name}.db"
    new = not file.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    emulated = EmulatedOrg(file, name=org.name)
    if new:
        for seed in org.seed or [DEMO_SCHEMA]:
            emulated.load(seed)
    return emulated
