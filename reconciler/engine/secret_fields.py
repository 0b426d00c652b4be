"""Which live values are secrets' although no file says so now: what the journal remembers of them.

A field that an earlier plan set from a secret holds the secret until it is written with something
else. Rows are marked with such fields before anything of them is stored or shown; comparing goes on
with what is live. A row answers to its address and to its record id, because the state of today may
find it by another key, or rename it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reconciler.model.journal import SecretField
from reconciler.model.plan import Action, Step
from reconciler.model.state import LiveRow
from reconciler.model.values import Secret


class SecretFields:
    """The memory of one org for one run. ``ask`` is called when the first row is marked."""

    def __init__(self, ask: Callable[[], Iterable[SecretField]] = tuple) -> None:
        self._ask = ask
        self._known: Mapping[str, list[SecretField]] | None = None

    def refresh(self) -> None:
        """Ask again: another run may have written since."""
        self._known = None

    def marked(self, row: LiveRow) -> LiveRow:
        """``row`` with the fields that hold secrets; its key is in the files and hides nothing."""
        names = {each.field for each in self._of(row.key.address, row.record_id)} - set(row.identity)
        return replace(row, secret=row.secret | names) if names else row

    def intended(self, step: Step, record_id: str | None) -> list[SecretField]:
        """What the journal must know before ``step`` is sent."""
        return [
            SecretField(step.address, name, record_id)
            for name, value in (step.after or {}).items()
            if type(value) is Secret
        ]

    def applied(self, step: Step, record_id: str | None) -> tuple[list[SecretField], list[SecretField]]:
        """What is to be remembered and forgotten once ``step`` is done."""
        after = step.after or {}
        known = self._of(step.address, record_id)
        forget = [each for each in known if each.field in after and type(after[each.field]) is not Secret]
        remember = self.intended(step, record_id)
        if step.action is Action.UPDATE:  # a row that is renamed, or found by another key, keeps its secrets
            remember += [
                SecretField(step.address, each.field, record_id)
                for each in known
                if each.address != step.address and each.field not in after
            ]
        return remember, forget

    def _of(self, address: str, record_id: str | None) -> list[SecretField]:
        if self._known is None:
            self._known = _index(self._ask())
        if not self._known:
            return []
        by_address = self._known.get(address.casefold(), [])
        by_id = self._known.get(record_id[:15], []) if record_id else []
        return [*by_address, *(each for each in by_id if each not in by_address)]


def _index(fields: Iterable[SecretField]) -> Mapping[str, list[SecretField]]:
    index: dict[str, list[SecretField]] = {}
    for each in fields:
        index.setdefault(each.address.casefold(), []).append(each)
        if each.record_id:
            index.setdefault(each.record_id[:15], []).append(each)
    return index
