"""Secrets by reference, and their values that do not show."""

import os
import pickle
from pathlib import Path

import pytest

from reconciler.model.errors import AuthenticationFailed
from reconciler.org import EnvSecret, FileSecret, KeyringSecret, SecretText, read_secret

CANARY = "canary-5d1f"


def test_a_secret_shows_neither_in_text_nor_in_repr_nor_in_a_format() -> None:
    secret = SecretText(CANARY)
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == CANARY
    assert secret == SecretText(CANARY) != SecretText("other")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    ("content", "secret"), [("x", "x"), ("x\n", "x"), ("x\r\n", "x"), ("x\n\n", "x\n"), (" x ", " x ")]
)
def test_one_line_break_at_the_end_of_a_file_is_not_part_of_the_secret(
    tmp_path: Path, content: str, secret: str
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content.encode())
    path.chmod(0o600)
    assert read_secret(FileSecret(path)).reveal() == secret


def test_an_environment_variable_holds_a_secret() -> None:
    assert read_secret(EnvSecret("TOKEN"), environ={"TOKEN": CANARY}).reveal() == CANARY


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}, {"TOKEN": "\n"}])
def test_a_missing_or_empty_variable_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed, match="environment variable TOKEN"):
        read_secret(EnvSecret("TOKEN"), environ=environ)


def test_a_folder_a_missing_file_and_binary_content_are_refused(tmp_path: Path) -> None:
    (tmp_path / "der").write_bytes(b"\xff\xfe\x00" + CANARY.encode())
    for name, why in {"": "not a regular file", "none": "cannot be read", "der": "not text"}.items():
        with pytest.raises(AuthenticationFailed, match=why) as refused:
            read_secret(FileSecret(tmp_path / name), warn=lambda text: None)
        assert CANARY not in str(refused.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AuthenticationFailed, match="not a regular file"):
        read_secret(FileSecret(tmp_path / "pipe"))


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_may_read_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    path = tmp_path / "secret"
    path.write_text(CANARY)
    path.chmod(mode)
    warnings: list[str] = []
    read_secret(FileSecret(path), warn=warnings.append)
    assert bool(warnings) is warned
    assert CANARY not in "".join(warnings)


def test_the_keyring_is_asked_by_service_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    kept = {("acme", "ada"): CANARY}
    monkeypatch.setattr(keyring, "get_password", lambda service, username: kept.get((service, username)))
    assert read_secret(KeyringSecret("acme", "ada")).reveal() == CANARY
    with pytest.raises(AuthenticationFailed, match="no entry 'acme' of 'bob'"):
        read_secret(KeyringSecret("acme", "bob"))


def test_a_keyring_that_cannot_be_opened_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    from keyring.errors import NoKeyringError

    def locked(service: str, username: str) -> str:
        raise NoKeyringError(CANARY)

    monkeypatch.setattr(keyring, "get_password", locked)
    with pytest.raises(AuthenticationFailed, match="cannot be read") as refused:
        read_secret(KeyringSecret("acme", "ada"))
    assert CANARY not in str(refused.value)


def test_without_the_keyring_package_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(AuthenticationFailed, match=r"reconciler\[keyring\]"):
        read_secret(KeyringSecret("acme", "ada"))
