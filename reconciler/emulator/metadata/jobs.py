"""Deployments and retrievals as the store keeps them: what was asked, how far it is, what came of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.store import Store

DDL = """CREATE TABLE IF NOT EXISTS _metadata_jobs (id INTEGER PRIMARY KEY, kind TEXT NOT NULL,
  user INTEGER NOT NULL, created INTEGER NOT NULL, started INTEGER, completed INTEGER, status TEXT NOT NULL,
  asked TEXT NOT NULL, content BLOB, result TEXT, canceled_by INTEGER)"""
COLUMNS = "id, kind, user, created, started, completed, status, asked, content, result, canceled_by"
WITHOUT_CONTENT = COLUMNS.replace("content", "NULL")
ADD = (
    "INSERT INTO _metadata_jobs (id, kind, user, created, status, asked, content) "
    "VALUES (?, ?, ?, ?, 'Pending', ?, ?)"
)
DEPLOY, RETRIEVE = "deploy", "retrieve"
PREFIXES = {DEPLOY: "0Af", RETRIEVE: "09S"}


@dataclass(frozen=True, slots=True)
class Job:
    """One deployment or retrieval. Times are milliseconds, ids numbers; ``completed`` ends it."""

    id: int
    kind: str
    user: int
    created: int
    started: int | None
    completed: int | None
    status: str
    asked: Any
    content: bytes | None
    """The archive: as sent to deploy, as made by a retrieval."""
    result: Any
    canceled_by: int | None

    @property
    def done(self) -> bool:
        return self.completed is not None

    @property
    def text_id(self) -> str:
        return ids.to_text(self.id)


class Jobs:
    """The jobs of one org. What is waiting survives the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.ensure_table(DDL)

    def add(self, kind: str, user: int, created: int, asked: Mapping[str, Any], content: bytes | None) -> int:
        prefix = PREFIXES[kind]
        number = ids.make(prefix, self._store.next_serial(prefix))
        self._store.execute(ADD, (number, kind, user, created, json.dumps(asked), content))
        return number

    def find(self, kind: str, number: int | None) -> Job | None:
        found = self._select("kind = ? AND id = ?", (kind, number))
        return found[0] if found else None

    def waiting(self, kind: str) -> list[Job]:
        """Those that are not done, oldest first, without their archives."""
        return self._select("kind = ? AND completed IS NULL", (kind,), columns=WITHOUT_CONTENT)

    def history(self, kind: str) -> list[Job]:
        """All of them, newest first, without their archives."""
        return self._select("kind = ?", (kind,), columns=WITHOUT_CONTENT)[::-1]

    def last_completed(self, kind: str) -> int:
        (row,) = self._store.execute("SELECT max(completed) FROM _metadata_jobs WHERE kind = ?", (kind,))
        return row[0] or 0

    def change(self, number: int, **changes: Any) -> None:
        """Set columns of one job; ``result`` is given as a value."""
        if "result" in changes:
            changes["result"] = json.dumps(changes["result"])
        assigned = ", ".join(f"{name} = ?" for name in changes)
        self._store.execute(
            f"UPDATE _metadata_jobs SET {assigned} WHERE id = ?",  # noqa: S608 - own names
            (*changes.values(), number),
        )

    def any_waiting(self) -> bool:
        return bool(
            self._store.execute(
                "SELECT 1 FROM _metadata_jobs WHERE kind = 'deploy' AND completed IS NULL LIMIT 1"
            )
        )

    def _select(self, where: str, params: Sequence[Any], columns: str = COLUMNS) -> list[Job]:
        rows = self._store.execute(
            f"SELECT {columns} FROM _metadata_jobs WHERE {where} ORDER BY id",  # noqa: S608 - own names
            params,
        )
        return [_job(row) for row in rows]


def _job(row: Sequence[Any]) -> Job:
    number, kind, user, created, started, completed, status, asked, content, result, canceled_by = row
    told = None if result is None else json.loads(result)
    return Job(
        number, kind, user, created, started, completed, status, json.loads(asked), content, told, canceled_by
    )
