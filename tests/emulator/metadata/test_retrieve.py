"""Retrievals: what a manifest brings, in which files, and what it does not bring."""

from typing import Any

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata import retrieve
from reconciler.emulator.metadata.archive import read_zip
from reconciler.emulator.metadata.delays import configure
from reconciler.emulator.metadata.package_xml import Manifest, read_manifest
from reconciler.emulator.metadata_xml import parse

from .conftest import Desk, component, line_object, package, site, successes

SITES = {
    "package.xml": package({"CspTrustedSite": ["Maps", "News"]}),
    "cspTrustedSites/Maps.cspTrustedSite": site(),
    "cspTrustedSites/News.cspTrustedSite": site("https://news.example"),
}
LOGO = {
    "package.xml": package({"StaticResource": ["Logo"]}),
    "staticresources/Logo.resource": b"\x00\xff\x01binary",
    "staticresources/Logo.resource-meta.xml": component(
        "StaticResource", "<cacheControl>Public</cacheControl><contentType>image/png</contentType>"
    ),
}
LINE = {
    "package.xml": package({"CustomObject": ["Line__c"]}),
    "objects/Line__c.object": line_object("A__c", "B__c"),
}


def take(
    desk: Desk, members: dict[str, list[str]], **options: Any
) -> tuple[dict[str, Any], dict[str, bytes]]:
    asked = {"packages": (), "single": True, "version": "62.0", **options}
    job = retrieve.submit(desk.org, desk.org.admin_id, Manifest(members), **asked)
    done = retrieve.find(desk.org, job.text_id)
    return retrieve.retrieve_result(done), read_zip(done.content) if done.content else {}


def problems(result: dict[str, Any]) -> list[str]:
    return [each["problem"] for each in result["messages"]]


def test_a_bundle_that_is_described_beside_its_folder_comes_back_with_both(desk: Desk) -> None:
    files = {
        "package.xml": package({"ExperienceBundle": ["Bikes1"]}),
        "experiences/Bikes1.site-meta.xml": component(
            "ExperienceBundle", "<label>Bikes</label><type>ChatterNetworkPicasso</type>"
        ),
        "experiences/Bikes1/config/bikes.json": b"{}",
        "experiences/Bikes1/views/home.json": b"[]",
    }
    assert desk.deploy(files)["status"] == "Succeeded"
    assert successes(desk.deploy(files))["ExperienceBundle:Bikes1"] == "same"
    result, found = take(desk, {"ExperienceBundle": ["*"]})
    assert (problems(result), set(found)) == ([], set(files))
    assert found["experiences/Bikes1/config/bikes.json"] == b"{}"
    beside = "experiences/Bikes1.site-meta.xml"
    assert parse(found[beside]) == parse(files[beside])


def test_what_was_deployed_comes_back(desk: Desk) -> None:
    desk.deploy(SITES)
    result, files = take(desk, {"CspTrustedSite": ["*"]})
    assert (result["status"], problems(result)) == ("Succeeded", [])
    assert set(files) == set(SITES)
    for path in ("cspTrustedSites/Maps.cspTrustedSite", "cspTrustedSites/News.cspTrustedSite"):
        assert parse(files[path]) == parse(SITES[path])
    assert read_manifest(files["package.xml"]).members == {"CspTrustedSite": ["Maps", "News"]}
    assert {each["fileName"]: each["type"] for each in result["fileProperties"]} == {
        "cspTrustedSites/Maps.cspTrustedSite": "CspTrustedSite",
        "cspTrustedSites/News.cspTrustedSite": "CspTrustedSite",
        "package.xml": "Package",
    }


def test_what_comes_back_can_be_deployed_and_changes_nothing(desk: Desk) -> None:
    for each in (SITES, LOGO, LINE):
        desk.deploy(each)
    _, files = take(desk, {"CspTrustedSite": ["*"], "StaticResource": ["*"], "CustomObject": ["Line__c"]})
    result = desk.deploy(files)
    assert result["status"] == "Succeeded"
    told = {each["fullName"] for each in result["details"]["componentSuccesses"] if each["changed"]}
    assert told == {"package.xml"}


def test_content_comes_back_byte_by_byte(desk: Desk) -> None:
    desk.deploy(LOGO)
    _, files = take(desk, {"StaticResource": ["Logo"]})
    assert files["staticresources/Logo.resource"] == LOGO["staticresources/Logo.resource"]
    assert parse(files["staticresources/Logo.resource-meta.xml"])[0] == "StaticResource"


def test_without_a_single_package_everything_is_in_a_folder(desk: Desk) -> None:
    desk.deploy(SITES)
    result, files = take(desk, {"CspTrustedSite": ["Maps"]}, single=False)
    assert set(files) == {"unpackaged/cspTrustedSites/Maps.cspTrustedSite", "unpackaged/package.xml"}
    assert result["fileProperties"][-1]["fullName"] == "unpackaged/package.xml"


def test_a_part_comes_in_its_wholes_file_alone(desk: Desk) -> None:
    desk.deploy(LINE)
    _, files = take(desk, {"CustomField": ["Line__c.B__c"]})
    root, tree = parse(files["objects/Line__c.object"])
    assert (root, [each["fullName"] for each in tree["fields"]]) == ("CustomObject", [["B__c"]])
    assert "label" not in tree


def test_a_bundle_is_its_files(desk: Desk) -> None:
    bundle = {
        "package.xml": package({"LightningComponentBundle": ["tile"]}),
        "lwc/tile/tile.js": b"export default class {}",
        "lwc/tile/tile.html": b"<template></template>",
        "lwc/tile/tile.js-meta.xml": component("LightningComponentBundle", "<apiVersion>62.0</apiVersion>"),
    }
    assert desk.deploy(bundle)["status"] == "Succeeded"
    _, files = take(desk, {"LightningComponentBundle": ["*"]})
    assert {path: files[path] for path in bundle if path != "package.xml"} == {
        path: content for path, content in bundle.items() if path != "package.xml"
    }


def test_labels_are_one_file_and_components_of_their_own(desk: Desk) -> None:
    label = (
        "<labels><fullName>{0}</fullName><language>en_US</language><protected>false</protected>"
        "<shortDescription>{0}</shortDescription><value>{0}</value></labels>"
    )
    files = {
        "package.xml": package({"CustomLabels": ["CustomLabels"]}),
        "labels/CustomLabels.labels": component("CustomLabels", label.format("Yes") + label.format("No")),
    }
    desk.deploy(files)
    _, found = take(desk, {"CustomLabel": ["No"]})
    assert [each["fullName"] for each in parse(found["labels/CustomLabels.labels"])[1]["labels"]] == [["No"]]
    _, found = take(desk, {"CustomLabels": ["*"]})
    assert len(parse(found["labels/CustomLabels.labels"])[1]["labels"]) == 2


def test_what_is_not_there_is_a_message_and_no_failure(desk: Desk) -> None:
    desk.deploy(SITES)
    result, files = take(
        desk, {"CspTrustedSite": ["Maps", "Gone"], "ApexClassa": ["*"], "InstalledPackage": ["x"]}
    )
    assert problems(result) == [
        "Entity of type 'CspTrustedSite' named 'Gone' cannot be found",
        "Entity type: 'ApexClassa' is unknown",
        "Entity of type 'InstalledPackage' named 'x' cannot be found",
    ]
    assert result["success"] is True
    assert "cspTrustedSites/Maps.cspTrustedSite" in files


def test_a_package_that_is_not_installed_fails_the_retrieval(desk: Desk) -> None:
    result, files = take(desk, {}, packages=("Abacus",))
    assert (result["status"], result["success"], files) == ("Failed", False, {})
    assert result["errorMessage"] == "INVALID_CROSS_REFERENCE_KEY: No package named 'Abacus' found"
    assert result["errorStatusCode"] == "UNKNOWN_EXCEPTION"


def test_a_retrieval_takes_its_time(desk: Desk) -> None:
    configure(desk.org, retrieve_ms=100)
    job = retrieve.submit(
        desk.org, desk.org.admin_id, Manifest({}), packages=(), single=True, version="62.0"
    ).text_id
    assert retrieve.find(desk.org, job).status == "Pending"
    desk.org.clock.advance(100)
    assert retrieve.find(desk.org, job).status == "Succeeded"


def test_an_unknown_retrieval_is_refused(desk: Desk) -> None:
    with pytest.raises(ApiError, match="invalid cross reference id"):
        retrieve.find(desk.org, "09SHu0000000999KAA")


def test_a_profile_says_nothing_of_components_that_do_not_come_along(desk: Desk) -> None:
    desk.deploy(LINE)
    alone = parse(take(desk, {"Profile": ["Admin"]})[1]["profiles/Admin.profile"])[1]
    assert {"userPermissions", "userLicense"} <= alone.keys()
    assert not {"layoutAssignments", "objectPermissions", "fieldPermissions"} & alone.keys()
    members = {"Profile": ["Admin"], "Layout": ["Case-Case Layout", "Gone"], "CustomObject": ["Account"]}
    result, files = take(desk, members)
    assert problems(result) == ["Entity of type 'Layout' named 'Gone' cannot be found"]
    with_others = parse(files["profiles/Admin.profile"])[1]
    assert with_others["layoutAssignments"] == [{"layout": ["Case-Case Layout"]}]
    assert [item["object"] for item in with_others["objectPermissions"]] == [["Account"]]


def test_every_standard_layout_is_retrieved_and_can_be_deployed(desk: Desk) -> None:
    result, files = take(desk, {"Layout": ["*"]})
    assert problems(result) == []
    assert "layouts/Account-Account Layout.layout" in files
    deployed = desk.deploy(files)
    assert deployed["status"] == "Succeeded"
    changed = [each["fullName"] for each in deployed["details"]["componentSuccesses"] if each["changed"]]
    assert changed == ["package.xml"]
