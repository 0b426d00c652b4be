"""Bodies that come in pieces, and are not held in memory whole.

A request's body is kept in memory while it is small, in a file without a name beyond, and past the most
that anybody takes it is only counted: what it held is nobody's business then, how long it was is.
A body that was compressed is unpacked the same way, so that a small one cannot grow without end.
"""

import io
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, cast

from reconciler.emulator.disk import CannotStore

MEMORY_BYTES = 1024 * 1024
PIECE_BYTES = 256 * 1024
LARGEST_BODY_BYTES = 200 * 1024 * 1024
"""Past it a body is only counted; what an endpoint takes is less."""
GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""`zlib`'s word for: with the head and the checksum of gzip."""


class BadGzip(Exception):
    """A body that says it is compressed and is not, or not to its end."""


class Spool:
    """A body on disk. ``size`` is what came; ``is_whole`` tells whether all of it was kept.

    Where the disk took it not, ``trouble`` says why.
    """

    def __init__(
        self, file: BinaryIO, size: int, *, is_whole: bool = True, trouble: OSError | None = None
    ) -> None:
        self._file = file
        self.size = size
        self.is_whole = is_whole
        self._trouble = trouble

    def pieces(self) -> Iterator[bytes]:
        """All of it, from the start. Raises `CannotStore` for what could not be kept."""
        if self._trouble is not None:
            raise CannotStore("the request", self._trouble)
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def read(self) -> bytes:
        return b"".join(self.pieces())


def gather(pieces: Iterable[bytes]) -> bytes | Spool:
    """The pieces as one body: bytes if it is small, else a spool."""
    held: list[bytes] = []
    size = 0
    iterator = iter(pieces)
    for piece in iterator:
        held.append(piece)
        size += len(piece)
        if size > MEMORY_BYTES:
            return _on_disk(held, iterator, size)
    return held[0] if len(held) == 1 else b"".join(held)


def _on_disk(held: list[bytes], pieces: Iterator[bytes], size: int) -> Spool:
    """All is read, whatever becomes of it: the client hears the answer when he has sent the last of it."""
    file, trouble = _new_file()
    trouble = trouble or _refusal(file.writelines, held)
    held.clear()
    for piece in pieces:
        size += len(piece)
        if trouble is None and size <= LARGEST_BODY_BYTES:
            trouble = _refusal(file.write, piece)
    is_whole = size <= LARGEST_BODY_BYTES
    if is_whole:
        trouble = trouble or _refusal(file.flush)
    if not is_whole or trouble:
        _refusal(file.close)
    return Spool(file, size, is_whole=is_whole and trouble is None, trouble=trouble)


def _new_file() -> tuple[BinaryIO, OSError | None]:
    """A file without a name; where the disk has none, one that is not used, and why."""
    try:
        return cast(BinaryIO, tempfile.TemporaryFile()), None
    except OSError as error:
        return io.BytesIO(), error


def _refusal(act: Callable[..., object], *arguments: Any) -> OSError | None:
    """What the disk says against an act."""
    try:
        act(*arguments)
    except OSError as error:
        return error
    return None


def unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What was compressed with gzip, in pieces. Raises `BadGzip`, perhaps after some of them."""
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    begun = False
    try:
        for piece in pieces:
            while piece:
                if unpacker.eof:  # several files one after another are one; zeros may fill the rest
                    piece = piece.lstrip(b"\0")
                    if not piece:
                        break
                    unpacker = zlib.decompressobj(GZIP_WINDOW)
                begun = True
                if found := unpacker.decompress(piece, PIECE_BYTES):
                    yield found
                piece = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    except zlib.error as error:
        raise BadGzip(str(error)) from error
    if not begun or not unpacker.eof:
        raise BadGzip("it ends early")


def zipped(pieces: Iterable[bytes], level: int) -> Iterator[bytes]:
    """The pieces compressed with gzip."""
    packer = zlib.compressobj(level, zlib.DEFLATED, GZIP_WINDOW)
    for piece in pieces:
        if found := packer.compress(piece):
            yield found
    yield packer.flush()
