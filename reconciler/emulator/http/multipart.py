"""The parts of a `multipart/form-data` body, as bytes.

Source: RFC 7578.
"""

from dataclasses import dataclass
from email.message import Message

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Request

MEDIA = "multipart/form-data"


class BadMultipart(ApiError):
    """Source: text not verified."""

    status, code = 400, "INVALID_MULTIPART_REQUEST"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: the name of its form field, the name of its file if it has one, its media type."""

    name: str
    filename: str | None
    content_type: str
    content: bytes


def read_parts(request: Request) -> list[Part]:
    """All parts in their order. Raises `BadMultipart`."""
    boundary = _header(request.headers.find("content-type"), "content-type").get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise BadMultipart("The multipart request has no boundary")
    delimiter = b"--" + boundary.encode()
    body = b"\r\n" + request.body  # the first delimiter begins a line like the others
    _, *sections = body.split(b"\r\n" + delimiter)
    if not sections:
        raise BadMultipart("The multipart request has no parts")
    parts: list[Part] = []
    for section in sections:
        if section.startswith(b"--"):
            return parts
        parts.append(_part(section))
    raise BadMultipart("The multipart request does not end")


def _part(section: bytes) -> Part:
    head, separator, content = section.partition(b"\r\n\r\n")
    if not separator:
        raise BadMultipart("A part of the multipart request has no content")
    fields = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    disposition = _header(fields.get("content-disposition", ""), "content-disposition")
    form_field = disposition.get_param("name", header="content-disposition")
    return Part(
        str(form_field or ""),
        disposition.get_filename(),
        fields.get("content-type", "text/plain").partition(";")[0].strip().lower(),
        content,
    )


def _header(value: str, name: str) -> Message:
    made = Message()
    made[name] = value
    return made
