"""The embedded emulated org: `.reconcile/NAME.db`, made with the demo's schema when first used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model.errors import OrgError, Problem

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.spec.orgs import OrgConfig

DEMO_SCHEMA = Path(__file__).with_name("demo_schema")


def open_emulated_org(folder: Path, org: "OrgConfig") -> "EmulatedOrg":
    """The org in its file; a new one is seeded with its folders, or with the demo's schema.

    Raises `OrgError` when the file is damaged or cannot be made, or a seed cannot be loaded.
    """
    from reconciler.emulator.org import EmulatedOrg

    file = folder / f"{org.name}.db"
    new = not file.exists()
    with opening(org.name, f"'reconcile emulator reset {org.name}' forgets it; the next use makes a new one"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        emulated = EmulatedOrg(file, name=org.name)
    if not new:
        return emulated
    try:
        with opening(org.name, "'seed' in orgs.yaml names folders with objects in source format"):
            for seed in org.seed or [DEMO_SCHEMA]:
                emulated.load(seed)
    except OrgError:
        emulated.close()
        forget(file)
        raise
    return emulated


@contextmanager
def opening(name: str, mend: str) -> Iterator[None]:
    """What can be wrong with files of an emulated org, as our error."""
    import sqlite3

    from reconciler.emulator.store import DamagedStore

    try:
        yield
    except (OSError, ValueError, sqlite3.Error, DamagedStore) as error:
        raise OrgError(Problem(f"emulated org {name} cannot be opened: {error}", mend=mend)) from error


def forget(file: Path) -> None:
    """Remove an emulated org's file with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
