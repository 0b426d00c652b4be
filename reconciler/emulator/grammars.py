"""Parsers of grammars, with their tables kept in the user's cache: they take longer to make than to use.

Lark looks itself whether what was kept is of the same grammar, options and version, and makes it anew where
it is not, or is damaged.
"""

import sys
from contextlib import suppress
from typing import Any

from lark import Lark

from . import cache_files


def lalr(name: str, grammar: str, transformer: Any) -> Lark:
    """The parser of a grammar; ``name`` is that of its file."""
    where = cache_files.folder()
    kept: bool | str = False
    if where is not None:
        with suppress(OSError):
            where.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = str(where / f"{name}-{sys.implementation.cache_tag}.grammar")
    return Lark(grammar, parser="lalr", transformer=transformer, maybe_placeholders=False, cache=kept)
