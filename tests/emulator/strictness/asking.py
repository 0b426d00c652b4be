"""Wrong requests as data: what is sent, who sends it, and the one exact refusal that Salesforce answers.

The tables are YAML files in this folder, a row by its name:

    source    chapter of the facts and what it says there; `unverified` where there is none
    wording   `unverified` where the code and the limit are told but not the text
    own_words `true` where the text is what the stage itself told the org to say
    seen      where somebody showed the text in public: `owner/repository issue 7`, or an address
    ask       method and path; a path without `/services` is below the data root of version 62
    by        whose session, `admin` unless said; `nobody` for none
    headers, body (JSON), text or hex (bytes as they are)
    archive   files of a deployment over REST by path, with its `options`; they are the body
    before    requests that are sent first and must be taken
    refused   status, code, text and the names of fields

`{row}` in what is sent is the id of that row of the stage, `{session.name}` a user's session, `{1.id}` what
the first request of ``before`` answered, `{x*300}` three hundred times x. A list entry `{$times: 3, $of: …}`
stands three times, with its number from 0 for `{#}`.

Refusals come in seven envelopes; `refusal_of` reads each down to the same words: status, code, text, fields.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import exchange
from reconciler.emulator.metadata.archive import write_zip
from reconciler.emulator.org import EmulatedOrg

DATA = "/services/data/v62.0"
UNVERIFIED = "unverified"
HALTED = frozenset({"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "BATCH_PROCESSING_HALTED"})
"""Codes of what failed only because something beside it did."""

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Refusal:
    status: int
    code: str
    text: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    name: str
    source: str
    verified: bool
    own_words: bool
    seen: str
    before: tuple[Mapping[str, Any], ...]
    ask: Mapping[str, Any]
    refusal: Refusal


def rows_of(table: Path) -> Iterator[Row]:
    for name, told in YAML(typ="safe", pure=True).load(table).items():
        status, code, *rest = told["refused"]
        text, *fields = [_repeated(each) for each in rest] or [""]
        refusal = Refusal(status, code, text, tuple(fields))
        verified = UNVERIFIED not in (told["source"], told.get("wording"))
        own = bool(told.get("own_words"))
        before = tuple(told.get("before", ()))
        yield Row(name, told["source"], verified, own, told.get("seen", ""), before, told, refusal)


# -- sending


@dataclass(frozen=True)
class Desk:
    """An org, the sessions of its users, and the ids of the rows that requests name."""

    org: EmulatedOrg
    sessions: dict[str, str]
    ids: dict[str, str]

    def send(self, ask: Mapping[str, Any], answers: Sequence[Mapping[str, Any]] = ()) -> Answer:
        def filled(text: str) -> str:
            return PLACE.sub(lambda match: self._value(match[1], answers), _repeated(text))

        method, _, address = ask["ask"].partition(" ")
        whole = filled(address)
        path, _, query = (whole if whole.startswith(("/services", "/id/")) else DATA + whole).partition("?")
        fields = {"Host": "acme.my.salesforce.com"}
        if (by := ask.get("by", "admin")) != "nobody":
            fields["Authorization"] = f"Bearer {self.sessions[by]}"
        body = _body(ask, filled)
        given = {name: filled(value) for name, value in ask.get("headers", {}).items()}
        if "archive" in ask:
            body, given["Content-Type"] = _deployment(ask)
        if body and "Content-Type" not in given:
            fields["Content-Type"] = "application/json"
        headers = Headers({**fields, **given})
        return exchange(self.org, Request(method=method, path=path, query=query, headers=headers, body=body))

    def _value(self, name: str, answers: Sequence[Mapping[str, Any]]) -> str:
        first, _, rest = name.partition(".")
        if first.isdigit():
            return str(answers[int(first) - 1][rest])
        return self.sessions[rest] if first == "session" else self.ids[name]


PLACE = re.compile(r"(?<!@)\{([a-z0-9_]+(?:\.[A-Za-z_]+)?)\}")
REPEAT = re.compile(r"\{(.)\*(\d+)\}")


def _repeated(text: str) -> str:
    return REPEAT.sub(lambda match: match[1] * int(match[2]), text)


def _body(ask: Mapping[str, Any], filled: Any) -> bytes:
    if "hex" in ask:
        return bytes.fromhex(ask["hex"])
    if "body" in ask:
        return str(filled(json.dumps(_spread(ask["body"])))).encode()
    return str(filled(ask.get("text", ""))).encode()


BOUNDARY = "part-of-a-deployment"


def _deployment(ask: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body and media type that deploy the files of ``archive``, by path, with ``options``."""
    files = {path: _repeated(content).encode() for path, content in ask["archive"].items()}
    options = {"singlePackage": True, "rollbackOnError": True, **ask.get("options", {})}
    told = json.dumps({"deployOptions": options}).encode()
    lines = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="json"\r\n'.encode(),
        b"Content-Type: application/json\r\n\r\n" + told + f"\r\n--{BOUNDARY}\r\n".encode(),
        b'Content-Disposition: form-data; name="file"; filename="d.zip"\r\n',
        b"Content-Type: application/zip\r\n\r\n",
        write_zip(files) + f"\r\n--{BOUNDARY}--\r\n".encode(),
    ]
    return b"".join(lines), f"multipart/form-data; boundary={BOUNDARY}"


def _spread(value: Any) -> Any:
    """The value with each `$times` entry of a list written out."""
    if isinstance(value, dict):
        return {name: _spread(each) for name, each in value.items()}
    if not isinstance(value, list):
        return value
    spread: list[Any] = []
    for each in value:
        if isinstance(each, dict) and "$times" in each:
            entry = json.dumps(_spread(each["$of"]))
            spread += [json.loads(entry.replace("{#}", str(number))) for number in range(each["$times"])]
        else:
            spread.append(_spread(each))
    return spread


# -- reading


def refusal_of(status: int, headers: Mapping[str, str], content: bytes) -> Refusal:
    """What was refused, whatever envelope it came in; the status alone where nothing was."""
    kind = headers.get("Content-Type", "")
    if kind.startswith("application/json"):
        found = sorted(_json_refusals(status, json.loads(content)), key=lambda each: each.code in HALTED)
    elif "xml" in kind:
        found = list(_xml_refusals(status, ET.fromstring(content)))
    else:
        found = [Refusal(status, "", content.decode())]
    return found[0] if found else Refusal(status, "")


def _json_refusals(status: int, value: Any) -> Iterator[Refusal]:
    if isinstance(value, list):
        for entry in value:
            yield from _json_refusals(status, entry)
    elif isinstance(value, dict):
        if "enhancedErrorType" in value:
            yield from _record_errors(status, value["output"])
            return
        code = value.get("errorCode") or value.get("statusCode")
        if code and "message" in value:
            yield Refusal(status, code, value["message"], tuple(value.get("fields") or ()))
        elif isinstance(value.get("error"), str):
            yield Refusal(status, value["error"], value.get("error_description", ""))
        elif "exceptionCode" in value:
            yield Refusal(status, value["exceptionCode"], value["exceptionMessage"])
        else:
            yield from _inner_refusals(status, value)


def _record_errors(status: int, output: Mapping[str, Any]) -> Iterator[Refusal]:
    """The errors of a write of the UI API: of the row, then by field."""
    for entry in (*output["errors"], *(each for found in output["fieldErrors"].values() for each in found)):
        fields = (entry["field"],) if entry["field"] else ()
        yield Refusal(status, entry["errorCode"], entry["message"], fields)


def _inner_refusals(status: int, value: Mapping[str, Any]) -> Iterator[Refusal]:
    for name in ("compositeResponse", "results", "errors", "graphs", "graphResponse"):
        yield from _json_refusals(status, value.get(name))
    if "httpStatusCode" in value:
        yield from _json_refusals(value["httpStatusCode"], value["body"])
    elif "result" in value:
        yield from _json_refusals(value["statusCode"], value["result"])
    elif isinstance(result := value.get("deployResult"), dict):
        yield from _failures(status, result)
    elif value.get("state") == "Failed":
        yield Refusal(status, "Failed", value.get("errorMessage") or "")


def _failures(status: int, result: Mapping[str, Any]) -> Iterator[Refusal]:
    """Why a deployment failed: as a whole, its components, the coverage of its tests."""
    if result["errorStatusCode"]:
        yield Refusal(status, result["errorStatusCode"], result["errorMessage"])
    for each in result["details"]["componentFailures"]:
        yield Refusal(status, each["problemType"], each["problem"])
    for each in result["details"]["runTestResult"]["codeCoverageWarnings"]:
        yield Refusal(status, "Failed", each["message"])


XML_WORDS = (("exceptionCode", "exceptionMessage"), ("statusCode", "message"), ("state", "stateMessage"))
"""Elements with a code and with its text; the first pair that is there counts."""


def _xml_refusals(status: int, root: ET.Element) -> Iterator[Refusal]:
    texts: dict[str, list[str]] = {}
    for element in root.iter():
        texts.setdefault(element.tag.rpartition("}")[2], []).append((element.text or "").strip())
    if "faultcode" in texts:
        code = texts["faultcode"][0].rpartition(":")[2]
        yield Refusal(status, code, texts["faultstring"][0].removeprefix(f"{code}: "))
        return
    for code_name, text_name in XML_WORDS:
        if text_name in texts:
            yield Refusal(status, texts[code_name][0], texts[text_name][0], tuple(texts.get("fields", ())))
            return
    if "problem" in texts:
        yield Refusal(status, "problem", texts["problem"][0])
