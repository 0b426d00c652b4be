"""Bodies that come in pieces, and are not held in memory whole.

A request's body is kept in memory while it is small, in a file without a name beyond, and past the most
that anybody takes it is only counted: what it held is nobody's business then, how long it was is.
A body that was compressed is unpacked the same way, so that a small one cannot grow without end.
"""

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

MEMORY_BYTES = 1024 * 1024
PIECE_BYTES = 256 * 1024
LARGEST_BODY_BYTES = 200 * 1024 * 1024
"""Past it a body is only counted; what an endpoint takes is less."""
GZIP_WINDOW = 16 + zlib.MAX_WBITS
"""`zlib`'s word for: with the head and the checksum of gzip."""


class BadGzip(Exception):
    """A body that says it is compressed and is not, or not to its end."""


class Spool:
    """A body on disk. ``size`` is what came; ``is_whole`` tells whether all of it was kept."""

    def __init__(self, file: BinaryIO, size: int, *, is_whole: bool = True) -> None:
        self._file = file
        self.size = size
        self.is_whole = is_whole

    def pieces(self) -> Iterator[bytes]:
        """All of it, from the start."""
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
    file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the spool
    if size <= LARGEST_BODY_BYTES:
        file.writelines(held)
    held.clear()
    for piece in pieces:
        size += len(piece)
        if size <= LARGEST_BODY_BYTES:
            file.write(piece)
    if size > LARGEST_BODY_BYTES:
        file.truncate(0)
    return Spool(file, size, is_whole=size <= LARGEST_BODY_BYTES)


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
