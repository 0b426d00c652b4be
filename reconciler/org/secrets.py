"""Secrets by reference: where one is kept, and its value wrapped so that it cannot be shown by accident.

orgs.yaml names secrets and never holds them: an environment variable, an entry of the system's
keyring, a file. The value is read when a sign-in needs it, lives in memory only and prints as a
placeholder.
"""

import hmac
import logging
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from reconciler.model.errors import AuthenticationFailed, Problem

MAX_SECRET_BYTES = 1 << 20

logger = logging.getLogger(__name__)


class SecretText:
    """A secret's clear value. Only `reveal` gives it; printing, formatting and pickling do not."""

    __slots__ = ("_clear",)

    def __init__(self, clear: str) -> None:
        self._clear = clear

    def reveal(self) -> str:
        return self._clear

    def __repr__(self) -> str:
        return "SecretText(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._clear)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and hmac.compare_digest(
            self._clear.encode(), other._clear.encode()
        )

    __hash__ = None  # type: ignore[assignment]  # a secret is no key of anything

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


@dataclass(frozen=True, slots=True)
class EnvSecret:
    name: str


@dataclass(frozen=True, slots=True)
class KeyringSecret:
    service: str
    username: str


@dataclass(frozen=True, slots=True)
class FileSecret:
    path: Path


SecretReference = EnvSecret | KeyringSecret | FileSecret


def read_secret(
    reference: SecretReference,
    *,
    environ: Mapping[str, str] | None = None,
    warn: Callable[[str], None] = logger.warning,
) -> SecretText:
    """The secret that ``reference`` names, without one trailing line break.

    Raises `AuthenticationFailed` when it is missing, empty or unreadable; the message names the
    place and never the content. ``warn`` is told of a file that others may read.
    """
    match reference:
        case EnvSecret(name):
            clear = _from_environment(name, os.environ if environ is None else environ)
        case KeyringSecret(service, username):
            clear = _from_keyring(service, username)
        case FileSecret(path):
            clear = _from_file(path, warn)
    clear = clear.removesuffix("\n").removesuffix("\r")
    if not clear:
        raise _unreadable(f"the secret in {_place(reference)} is empty", "store the secret there")
    return SecretText(clear)


def _place(reference: SecretReference) -> str:
    match reference:
        case EnvSecret(name):
            return f"environment variable {name}"
        case KeyringSecret(service, username):
            return f"keyring entry {service!r} of {username!r}"
        case FileSecret(path):
            return f"file {path}"


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    try:
        return environ[name]
    except KeyError:
        raise _unreadable(
            f"environment variable {name} is not set", f"export {name}, or name another place in orgs.yaml"
        ) from None


def _from_keyring(service: str, username: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise _unreadable(
            "secrets from the keyring need the package 'keyring'", "pip install 'reconciler[keyring]'"
        ) from None
    try:
        found = keyring.get_password(service, username)
    except KeyringError as error:
        raise _unreadable(
            f"the keyring cannot be read ({type(error).__name__})",
            "unlock it, or keep the secret in a file or an environment variable",
        ) from error
    if found is None:
        raise _unreadable(
            f"the keyring has no entry {service!r} of {username!r}", f"keyring set {service} {username}"
        )
    return str(found)


def _from_file(path: Path, warn: Callable[[str], None]) -> str:
    try:
        # O_NONBLOCK: opening a pipe must not wait for somebody to write into it.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise _unreadable(
            f"secret file {path} cannot be read ({error.strerror})", "check the path and its permissions"
        ) from None
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise _unreadable(f"secret file {path} is not a regular file", "name a file, not a folder or pipe")
    with os.fdopen(handle, "rb") as file:
        if status.st_size > MAX_SECRET_BYTES:
            raise _unreadable(f"secret file {path} is larger than a secret can be", "check the path")
        if os.name == "posix" and status.st_mode & 0o077:
            warn(f"secret file {path} can be read by other users; chmod 600 it")
        content = file.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(
            f"secret file {path} is not text", "keys go in as PEM, not as DER or a key store"
        ) from None


def _unreadable(what: str, mend: str) -> AuthenticationFailed:
    return AuthenticationFailed(Problem(what, mend=mend), code="SECRET_UNREADABLE")
