"""A seed's files and a deployment's are the same components."""

from pathlib import Path

from reconciler.emulator.metadata import retrieve
from reconciler.emulator.metadata.archive import Files, read_zip
from reconciler.emulator.metadata.package_xml import Manifest
from reconciler.emulator.metadata_xml import parse

from .conftest import Desk, component

LABEL = (
    "<labels><fullName>{0}</fullName><language>en_US</language><protected>false</protected>"
    "<shortDescription>{0}</shortDescription><value>{0}</value></labels>"
)
PROJECT = {
    "labels/CustomLabels.labels-meta.xml": component(
        "CustomLabels", LABEL.format("Yes") + LABEL.format("No")
    ),
    "staticresources/Logo.resource-meta.xml": component(
        "StaticResource", "<cacheControl>Public</cacheControl><contentType>image/png</contentType>"
    ),
    "staticresources/Logo.png": b"\x89PNG\r\n\x1a",
    "staticresources/Site.resource-meta.xml": component(
        "StaticResource", "<cacheControl>Public</cacheControl><contentType>application/zip</contentType>"
    ),
    "staticresources/Site/js/app.js": b"run()",
    "lwc/tile/tile.js": b"export default class {}",
    "lwc/tile/tile.js-meta.xml": component("LightningComponentBundle", "<apiVersion>62.0</apiVersion>"),
    "lwc/tile/__tests__/tile.test.js": b"test()",
    "reports/Sales.reportFolder-meta.xml": component("ReportFolder", "<name>Sales</name>"),
    "reports/Sales/Open.report-meta.xml": component(
        "Report", "<format>Tabular</format><name>Open</name><reportType>AccountList</reportType>"
    ),
    "settings/Account.settings-meta.xml": component(
        "AccountSettings", "<enableAccountTeams>true</enableAccountTeams>"
    ),
}
MEMBERS = {
    "CustomLabels": ["*"],
    "StaticResource": ["*"],
    "LightningComponentBundle": ["*"],
    "Report": ["Sales", "Sales/Open"],
    "Settings": ["Account"],
}


def seed(desk: Desk, folder: Path) -> None:
    for path, content in PROJECT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    assert desk.org.load(folder).problems == []


def retrieved(desk: Desk) -> Files:
    job = retrieve.submit(
        desk.org, desk.org.admin_id, Manifest(MEMBERS), packages=(), single=True, version="62.0"
    )
    done = retrieve.find(desk.org, job.text_id)
    assert done.result["messages"] == []
    return read_zip(done.content or b"")


def test_a_seed_can_be_retrieved(desk: Desk, tmp_path: Path) -> None:
    seed(desk, tmp_path)
    files = retrieved(desk)
    assert set(files) == {
        "package.xml",
        "labels/CustomLabels.labels",
        "staticresources/Logo.resource",
        "staticresources/Logo.resource-meta.xml",
        "staticresources/Site.resource",
        "staticresources/Site.resource-meta.xml",
        "lwc/tile/tile.js",
        "lwc/tile/tile.js-meta.xml",
        "reports/Sales-meta.xml",
        "reports/Sales/Open.report",
        "settings/Account.settings",
    }
    assert files["staticresources/Logo.resource"] == PROJECT["staticresources/Logo.png"]
    assert read_zip(files["staticresources/Site.resource"]) == {"js/app.js": b"run()"}
    assert parse(files["settings/Account.settings"])[0] == "AccountSettings"
    assert parse(files["reports/Sales-meta.xml"])[0] == "ReportFolder"


def test_deploying_what_was_seeded_changes_nothing(desk: Desk, tmp_path: Path) -> None:
    seed(desk, tmp_path)
    files = retrieved(desk)
    result = desk.deploy(files)
    assert result["details"]["componentFailures"] == []
    changed = [each["fullName"] for each in result["details"]["componentSuccesses"] if each["changed"]]
    assert changed == ["package.xml"]
    assert retrieved(desk) == files


def test_a_label_of_a_seed_is_a_component_of_its_own(desk: Desk, tmp_path: Path) -> None:
    seed(desk, tmp_path)
    assert desk.org.components.names("CustomLabel") == ["No", "Yes"]
