"""Which fields of a row a call asks for."""

from reconciler.emulator.http.message import Request


def field_list(request: Request) -> list[str] | None:
    """The fields asked for by `?fields=A,B`; None for all."""
    text = request.params.get("fields")
    return None if text is None else [each.strip() for each in text.split(",") if each.strip()]
