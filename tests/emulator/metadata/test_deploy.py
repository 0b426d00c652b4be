"""Deployments: what becomes of the org, and what is told of it."""

import io
import tracemalloc
import zipfile

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.api_version import NEWEST
from reconciler.emulator.metadata import archive, deploy
from reconciler.emulator.metadata.archive import BadArchive, LimitExceeded, read_zip, write_zip

from .conftest import Desk, component, failures, line_object, package, site, successes

SITES = {
    "package.xml": package({"CspTrustedSite": ["Maps", "News"]}),
    "cspTrustedSites/Maps.cspTrustedSite": site(),
    "cspTrustedSites/News.cspTrustedSite": site("https://news.example"),
}
BAD = {**SITES, "cspTrustedSites/News.cspTrustedSite": site(oops="1")}
UNFIT = (
    "Error parsing file: Element {http://soap.sforce.com/2006/04/metadata}oops "
    "invalid at this location in type CspTrustedSite"
)


def names(desk: Desk) -> list[str]:
    return desk.org.components.names("CspTrustedSite")


def test_every_component_and_the_manifest_are_told(desk: Desk) -> None:
    result = desk.deploy(SITES)
    assert (result["status"], result["success"], result["done"]) == ("Succeeded", True, True)
    assert successes(result) == {
        "CspTrustedSite:Maps": "created",
        "CspTrustedSite:News": "created",
        ":package.xml": "changed",
    }
    assert (result["numberComponentsTotal"], result["numberComponentsDeployed"]) == (2, 2)
    assert names(desk) == ["Maps", "News"]


def test_a_second_deployment_of_the_same_changes_nothing(desk: Desk) -> None:
    desk.deploy(SITES)
    before = desk.org.snapshot()
    assert set(successes(desk.deploy(SITES)).values()) == {"same", "changed"}  # the manifest always changes
    assert desk.org.snapshot() == before


def test_one_failure_takes_all_back(desk: Desk) -> None:
    before = desk.org.snapshot()
    result = desk.deploy(BAD)
    assert (result["status"], result["success"]) == ("Failed", False)
    assert failures(result) == [("CspTrustedSite", "News", UNFIT)]
    assert (result["numberComponentErrors"], result["numberComponentsDeployed"]) == (1, 1)
    assert desk.org.snapshot() == before


def test_without_rollback_what_fits_stays(desk: Desk) -> None:
    result = desk.deploy(BAD, rollbackOnError=False)
    assert (result["status"], result["success"]) == ("SucceededPartial", True)
    assert names(desk) == ["Maps"]


def test_a_check_says_what_would_be_and_leaves_nothing(desk: Desk) -> None:
    before = desk.org.snapshot()
    result = desk.deploy(SITES, checkOnly=True)
    assert (result["status"], result["checkOnly"]) == ("Succeeded", True)
    assert successes(result)["CspTrustedSite:Maps"] == "created"
    assert desk.org.snapshot() == before


def test_an_objects_fields_are_components_of_their_own(desk: Desk) -> None:
    files = {
        "package.xml": package({"CustomObject": ["Line__c"]}),
        "objects/Line__c.object": line_object("A__c", "B__c"),
    }
    told = successes(desk.deploy(files))
    assert told == {
        "CustomObject:Line__c": "created",
        "CustomField:Line__c.A__c": "created",
        "CustomField:Line__c.B__c": "created",
        ":package.xml": "changed",
    }


def test_a_failed_deployment_takes_back_what_it_did_to_the_schema(desk: Desk) -> None:
    files = {
        **BAD,
        "package.xml": package({"CspTrustedSite": ["*"], "CustomObject": ["Line__c"]}),
        "objects/Line__c.object": line_object("A__c"),
    }
    assert desk.deploy(files)["status"] == "Failed"
    assert desk.org.schema.get("Line__c") is None
    files["cspTrustedSites/News.cspTrustedSite"] = site()
    assert desk.deploy(files)["status"] == "Succeeded"


def test_fields_alone_are_written_without_their_object(desk: Desk) -> None:
    both = {
        "package.xml": package({"CustomObject": ["Line__c"]}),
        "objects/Line__c.object": line_object("A__c"),
    }
    desk.deploy(both)
    more = {
        "package.xml": package({"CustomField": ["Line__c.B__c"]}),
        "objects/Line__c.object": component(
            "CustomObject",
            "<fields><fullName>B__c</fullName><label>B</label><length>9</length><type>Text</type></fields>",
        ),
    }
    assert successes(desk.deploy(more)) == {"CustomField:Line__c.B__c": "created", ":package.xml": "changed"}


def test_a_file_that_the_manifest_does_not_name_is_refused(desk: Desk) -> None:
    result = desk.deploy({**SITES, "package.xml": package({"CspTrustedSite": ["Maps"]})})
    assert failures(result) == [("CspTrustedSite", "News", "Not in package.xml")]
    assert names(desk) == []


def test_a_name_without_a_file_is_refused_unless_files_may_be_missing(desk: Desk) -> None:
    files = {**SITES, "package.xml": package({"CspTrustedSite": ["*", "Gone"]})}
    told = (
        "An object 'Gone' of type CspTrustedSite was named in package.xml, "
        "but was not found in zipped directory"
    )
    assert failures(desk.deploy(files)) == [("", "Gone", told)]
    assert names(desk) == []
    result = desk.deploy(files, allowMissingFiles=True)
    assert (result["status"], names(desk)) == ("Succeeded", ["Maps", "News"])
    warning = next(each for each in result["details"]["componentSuccesses"] if each["fullName"] == "Gone")
    assert (warning["problem"], warning["problemType"]) == (told, "Warning")


def test_a_file_that_the_manifest_does_not_name_comes_along_when_that_is_wanted(desk: Desk) -> None:
    files = {**SITES, "package.xml": package({"CspTrustedSite": ["Maps"]})}
    assert desk.deploy(files, autoUpdatePackage=True)["status"] == "Succeeded"
    assert names(desk) == ["Maps", "News"]


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (package({"Nonsense": ["A"]}), "Unknown type name 'Nonsense' specified in package.xml"),
        (package({}, version="99.0"), "Invalid version specified:99.0"),
        (package({}, version=""), "Invalid version specified:"),
        (b"<Package", "Error parsing file: unclosed token: line 1, column 0"),
        (component("Parcel", ""), "Error parsing file: Element Parcel is not a Package"),
    ],
)
def test_a_manifest_that_cannot_be_followed_fails_the_deployment(
    desk: Desk, manifest: bytes, problem: str
) -> None:
    result = desk.deploy({**SITES, "package.xml": manifest})
    assert failures(result) == [("", "package.xml", problem)]
    assert names(desk) == []


def test_without_a_manifest_every_folder_is_asked_for_one(desk: Desk) -> None:
    files = {f"{folder}/{path}": content for folder in ("one", "two") for path, content in SITES.items()}
    assert desk.deploy(files, singlePackage=False)["status"] == "Succeeded"
    del files["two/package.xml"]
    result = desk.deploy(files, singlePackage=False)
    assert [each["fileName"] for each in result["details"]["componentFailures"]] == ["two/package.xml"]
    assert failures(result) == [("", "package.xml", "No package.xml found")]


def test_content_without_its_metadata_file_is_refused(desk: Desk) -> None:
    files = {
        "package.xml": package({"StaticResource": ["Logo"]}),
        "staticresources/Logo.resource": b"\x00\xff",
    }
    assert failures(desk.deploy(files)) == [
        ("StaticResource", "Logo", "Missing metadata file: Logo.resource-meta.xml")
    ]


def test_what_refers_to_a_later_component_is_written_once_that_is_there(desk: Desk) -> None:
    look = (
        "<fields><fullName>{}</fullName><label>L</label><referenceTo>{}</referenceTo>"
        "<relationshipName>{}</relationshipName><type>Lookup</type></fields>"
    )
    files = {"package.xml": package({"CustomObject": ["One__c", "Two__c"]})}
    for name, other in (("One", "Two"), ("Two", "One")):
        content = line_object().replace(
            b"<label>Line</label>",
            look.format("To__c", f"{other}__c", f"From{name}").encode() + b"<label>Line</label>",
        )
        files[f"objects/{name}__c.object"] = content
    assert failures(desk.deploy(files)) == []


def test_parts_of_an_object_that_fails_fail_because_of_it(desk: Desk) -> None:
    files = {
        "package.xml": package({"CustomObject": ["Line__c"], "Layout": ["Line__c-Line Layout"]}),
        "objects/Line__c.object": line_object("A__c").replace(b"<pluralLabel>Lines</pluralLabel>", b""),
        "layouts/Line__c-Line Layout.layout": component("Layout", ""),
    }
    assert failures(desk.deploy(files)) == [
        ("CustomObject", "Line__c", "Must specify a non-empty plural label for the CustomObject"),
        ("CustomField", "Line__c.A__c", "Parent entity failed to deploy"),
        ("Layout", "Line__c-Line Layout", "Parent entity failed to deploy"),
    ]


def test_the_required_elements_of_a_component_are_demanded(desk: Desk) -> None:
    files = {
        "package.xml": package({"CustomPermission": ["Ship"]}),
        "customPermissions/Ship.customPermission": component(
            "CustomPermission", "<description>x</description>"
        ),
    }
    assert failures(desk.deploy(files)) == [("CustomPermission", "Ship", "Required field is missing: label")]


def test_what_projects_leave_out_or_call_their_own_way_is_taken(desk: Desk) -> None:
    """A class without a status, a type that the WSDL does not know with an element of another name."""
    files = {
        "package.xml": package({"ApexClass": ["Mocks"], "InvocableActionExtension": ["Roll"]}),
        "classes/Mocks.cls": b"public class Mocks {}",
        "classes/Mocks.cls-meta.xml": component("ApexClass", "<apiVersion>50.0</apiVersion>"),
        "invocableactionextensions/Roll.invocableactionextension": component(
            "InvocableActionExt", "<targets><targetName>Roll.in</targetName></targets>"
        ),
    }
    assert failures(desk.deploy(files)) == []
    assert [row["Status"] for row in desk.org.rows("ApexClass", Name="Mocks")] == ["Active"]


@pytest.mark.parametrize(("version", "taken"), [("40.0", True), ("51.0", True), ("58.0", False)])
def test_elements_that_there_once_were_are_taken_in_packages_of_their_time(
    desk: Desk, version: str, taken: bool
) -> None:
    tab = component(
        "CustomTab", "<label>Us</label><mobileReady>false</mobileReady><url>https://us.example</url>"
    )
    files = {"package.xml": package({"CustomTab": ["Us"]}, version=version), "tabs/Us.tab": tab}
    assert (failures(desk.deploy(files)) == []) is taken


def test_an_empty_enumeration_is_none(desk: Desk) -> None:
    """As translations that nobody filled in are retrieved: a comment in an element."""
    untold = component(
        "CustomObjectTranslation",
        "<caseValues><plural>false</plural><value>Konto</value></caseValues><gender><!-- It --></gender>",
    )
    files = {
        "package.xml": package({"CustomObjectTranslation": ["Account-de"]}),
        "objectTranslations/Account-de.objectTranslation": untold,
    }
    assert failures(desk.deploy(files)) == []


def test_packages_of_the_newest_api_version_are_taken(desk: Desk) -> None:
    assert desk.deploy({"package.xml": package({}, version=f"{NEWEST}.0")})["status"] == "Succeeded"


def test_a_newer_api_versions_elements_are_let_through(desk: Desk) -> None:
    files = {**BAD, "package.xml": package({"CspTrustedSite": ["*"]}, version=f"{NEWEST}.0")}
    assert desk.deploy(files)["status"] == "Succeeded"
    assert deploy.NEWEST_VERSION == NEWEST


def test_a_folder_may_be_named_with_a_slash(desk: Desk) -> None:
    files = {
        "package.xml": package({"Report": ["Sales/", "Sales/Open"]}),
        "reports/Sales-meta.xml": component("ReportFolder", "<name>Sales</name>"),
        "reports/Sales/Open.report": component(
            "Report", "<format>Tabular</format><name>Open</name><reportType>AccountList</reportType>"
        ),
    }
    told = successes(desk.deploy(files))
    assert told == {"Report:Sales": "created", "Report:Sales/Open": "created", ":package.xml": "changed"}


# -- deleting


def deletion(name: str, *members: str) -> dict[str, bytes]:
    return {"package.xml": package({}), name: package({"CspTrustedSite": members})}


@pytest.mark.parametrize(
    "name", ["destructiveChanges.xml", "destructiveChangesPre.xml", "destructiveChangesPost.xml"]
)
def test_what_a_destructive_manifest_names_is_deleted(desk: Desk, name: str) -> None:
    desk.deploy(SITES)
    assert successes(desk.deploy(deletion(name, "Maps"))) == {
        "CspTrustedSite:Maps": "deleted",
        ":package.xml": "changed",
    }
    assert names(desk) == ["News"]


def test_what_is_deleted_together_may_use_each_other(desk: Desk) -> None:
    bodies = {"Base": "virtual class Base {}", "Sub": "class Sub extends Base {}"}
    files = {"package.xml": package({"ApexClass": [*bodies]})}
    for name, body in bodies.items():
        files[f"classes/{name}.cls"] = body.encode()
        meta = "<apiVersion>62.0</apiVersion><status>Active</status>"
        files[f"classes/{name}.cls-meta.xml"] = component("ApexClass", meta)
    assert desk.deploy(files)["status"] == "Succeeded"
    alone = {"package.xml": package({}), "destructiveChanges.xml": package({"ApexClass": ["Base"]})}
    assert "Apex Class - Sub" in failures(desk.deploy(alone))[0][2]
    both = {"package.xml": package({}), "destructiveChanges.xml": package({"ApexClass": [*bodies]})}
    assert successes(desk.deploy(both)) == {
        "ApexClass:Base": "deleted",
        "ApexClass:Sub": "deleted",
        ":package.xml": "changed",
    }


def test_deleting_what_is_not_there_is_a_warning(desk: Desk) -> None:
    desk.deploy(SITES)
    files = deletion("destructiveChanges.xml", "Gone", "Maps")
    result = desk.deploy(files)
    assert failures(result) == [("CspTrustedSite", "Gone", "No CspTrustedSite named: Gone found")]
    assert names(desk) == ["Maps", "News"]
    result = desk.deploy(files, ignoreWarnings=True)
    assert result["status"] == "Succeeded"
    assert [each["problemType"] for each in result["details"]["componentSuccesses"]] == [
        "Warning",
        None,
        None,
    ]
    assert names(desk) == ["News"]


def test_an_object_is_deleted_with_its_parts(desk: Desk) -> None:
    desk.deploy(
        {"package.xml": package({"CustomObject": ["Line__c"]}), "objects/Line__c.object": line_object("A__c")}
    )
    desk.deploy(
        {"package.xml": package({}), "destructiveChanges.xml": package({"CustomObject": ["Line__c"]})}
    )
    assert desk.org.schema.get("Line__c") is None
    assert [name for name in desk.org.components.names("CustomField") if name.startswith("Line__c")] == []


# -- strangers' archives


def test_an_archive_that_is_none_fails_the_deployment(desk: Desk) -> None:
    result = desk.deploy(b"no zip at all")
    assert (result["status"], result["errorStatusCode"]) == ("Failed", "INVALID_OPERATION")


@pytest.mark.parametrize("name", ["../evil.cls", "/etc/passwd", "classes/../../x", "C:\\x", "a\\..\\..\\b"])
def test_a_path_that_climbs_out_is_refused(name: str) -> None:
    with pytest.raises(BadArchive):
        read_zip(write_zip({name: b"x"}))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_RAW_BYTES", 1 << 20)
    bomb = write_zip({f"classes/{at}.cls": bytes(1 << 19) for at in range(3)})
    with pytest.raises(LimitExceeded):
        read_zip(bomb)


def test_too_many_files_and_too_large_an_archive_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    with pytest.raises(ApiError) as refused:
        desk.submit(SITES)
    assert refused.value.code == "LIMIT_EXCEEDED"
    monkeypatch.setattr(archive, "MOST_ZIP_BYTES", 10)
    with pytest.raises(LimitExceeded):
        desk.submit(SITES)
    assert desk.org.jobs.waiting("deploy") == []


def test_an_archive_cut_anywhere_is_an_archive_or_refused() -> None:
    whole = write_zip(SITES)
    for at in range(0, len(whole), 7):
        try:
            assert read_zip(whole[:at]) is not None
        except BadArchive:
            continue


def test_an_encrypted_archive_is_refused() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("package.xml", b"x")
    content = bytearray(made.getvalue())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        at = content.index(mark) + (6 if mark[2] == 3 else 8)
        content[at] |= 1
    with pytest.raises(BadArchive):
        read_zip(bytes(content))


def test_a_star_deletes_nothing(desk: Desk) -> None:
    desk.deploy(SITES)
    result = desk.deploy(deletion("destructiveChanges.xml", "*"))
    assert failures(result) == [("CspTrustedSite", "*", "No CspTrustedSite named: * found")]
    assert names(desk) == ["Maps", "News"]


def test_an_archive_that_says_it_is_too_large_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_RAW_BYTES", 8 << 20)
    bomb = write_zip({str(each): bytes(1 << 20) for each in range(9)})
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            read_zip(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
