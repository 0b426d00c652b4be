"""Damaged and strange input: it is told what is wrong, and the org stays as it was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.components import to_xml
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import handle
from reconciler.emulator.metadata import described, shapes
from reconciler.emulator.metadata_xml import Tree

from .conftest import Desk, component, package

TYPES = sorted(name for name, told in described.types().items() if not told.is_bundle and told.suffix)
LIVE = [
    name
    for name in TYPES
    if name
    in (
        "ApexClass",
        "ApexTrigger",
        "CustomApplication",
        "CustomLabels",
        "CustomMetadata",
        "CustomObject",
        "CustomPermission",
        "CustomTab",
        "Flow",
        "FlowDefinition",
        "GlobalValueSet",
        "Group",
        "Layout",
        "NamedCredential",
        "PermissionSet",
        "PermissionSetGroup",
        "Profile",
        "Queue",
        "RemoteSiteSetting",
        "Role",
        "StandardValueSet",
        "StaticResource",
        "Workflow",
    )
]
WORDS = st.sampled_from(
    ["", "A", "Account", "Account.Name", "Name", "x__c", "true", "1", "-1", "Text", "é\u2028", "$"]
)


@pytest.fixture(scope="module")
def worn(ready: Desk) -> Desk:
    """A desk for many deployments, none of which leaves anything but its result."""
    return Desk(ready.org.fork(), ready.token)


def trees(type_name: str, depth: int = 2) -> st.SearchStrategy[Tree]:
    """Trees that have the elements of a type with contents that mean nothing."""
    known = shapes.elements(type_name) or {}
    names = [name for name in known if name != "content"]
    if not names:
        return st.just({})

    def filled(name: str) -> st.SearchStrategy[Any]:
        element = known[name]
        if element.is_complex:
            return trees(element.type, depth - 1) if depth else st.just("")
        if element.type == "b":
            return st.sampled_from(["true", "false"])
        if element.type in "ild":
            return st.sampled_from(["0", "1", "-5", "99999999999"])
        if element.type[0] == "!" and shapes.values(element.type):
            return st.sampled_from(sorted(shapes.values(element.type)))
        return WORDS

    required = [name for name in names if known[name].required]
    return st.lists(st.sampled_from(names), max_size=4, unique=True).flatmap(
        lambda some: st.fixed_dictionaries(
            {
                name: st.lists(filled(name), min_size=1, max_size=2 if known[name].many else 1)
                for name in {*some, *required}
            }
        )
    )


@st.composite
def files(draw: st.DrawFn) -> dict[str, bytes]:
    type_name = draw(st.sampled_from(LIVE))
    told = described.types()[type_name]
    name = draw(
        st.sampled_from(
            ["A", "Account", "x__c", "Rate.One", "A b", "Admin", "Industry", "é", "A.B.C", "Line__c-L"]
        )
    )
    content = draw(st.binary(max_size=30) | trees(type_name).map(lambda tree: to_xml(type_name, tree)))
    made = {
        "package.xml": package({type_name: [name], **{part: ["*"] for part in told.parts.values()}}),
        told.path(name): content,
    }
    if told.has_content:
        made[told.path(name) + "-meta.xml"] = content
    return made


@settings(max_examples=60, deadline=None)
@given(files=files())
def test_whatever_is_deployed_is_answered_with_a_reason(worn: Desk, files: dict[str, bytes]) -> None:
    result = worn.deploy(files, checkOnly=True)
    assert result["errorStatusCode"] is None, result["errorMessage"]
    assert result["status"] == ("Failed" if result["details"]["componentFailures"] else "Succeeded")


@settings(max_examples=50, deadline=None)
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_is_sent_as_a_call_is_answered(worn: Desk, body: bytes) -> None:
    reply = handle(
        worn.org,
        Request(method="POST", path="/services/Soap/m/64.0", headers=Headers({"host": "a"}), body=body),
    )
    assert reply.status == 500
    assert b"Fault" in (reply.raw or b"")


@pytest.mark.parametrize("depth", [200, 5000])
def test_a_deeply_nested_file_is_refused(desk: Desk, depth: int) -> None:
    nested = component("CspTrustedSite", "<a>" * depth + "</a>" * depth)
    result = desk.deploy(
        {"package.xml": package({"CspTrustedSite": ["Maps"]}), "cspTrustedSites/Maps.cspTrustedSite": nested}
    )
    assert (result["status"], result["errorStatusCode"]) == ("Failed", None)
    assert desk.org.components.names("CspTrustedSite") == []


def test_a_document_type_is_refused(desk: Desk) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "b">]>' + component("CspTrustedSite", "<context>&a;</context>")
    files = {
        "package.xml": package({"CspTrustedSite": ["Maps"]}),
        "cspTrustedSites/Maps.cspTrustedSite": bomb,
    }
    (failure,) = desk.deploy(files)["details"]["componentFailures"]
    assert failure["problem"] == "Error parsing file: document types are not accepted"
    assert desk.org.components.names("CspTrustedSite") == []
