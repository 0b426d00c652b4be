"""Packages: only those that an org was told of can be installed, and they are seen wherever clients look."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.declaring import BadDeclaration
from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.seeding.report import LoadReport
from reconciler.emulator.seeding.source import load_source
from reconciler.emulator.tooling import packages

from .conftest import Tooling

FIRST = "04t000000000001AAA"
ACME: dict[str, Any] = {
    "namespace": "acme",
    "name": "Acme Tools",
    "versions": [{"number": "1.9", "key": FIRST}, {"number": "1.10 (Beta 2)"}],
}
INSTALLED = (
    "SELECT SubscriberPackage.Name, SubscriberPackage.NamespacePrefix, SubscriberPackageVersionId "
    "FROM InstalledSubscriberPackage"
)


@pytest.fixture
def offered(tooling: Tooling) -> Tooling:
    packages.declare(tooling.org, {"packages": [ACME]})
    return tooling


def deploy(org: EmulatedOrg, namespace: str, number: str) -> None:
    with org.transaction() as tx:
        component_type("InstalledPackage").write(tx, namespace, {"versionNumber": [number]})


def create(tooling: Tooling, sobject: str, **fields: Any) -> str:
    reply = tooling.call("POST", f"/sobjects/{sobject}", json=fields)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


def version_id(tooling: Tooling) -> str:
    (row,) = tooling.rows("SELECT Id FROM SubscriberPackageVersion WHERE MinorVersion = 9")
    return str(row["Id"])


def request(tooling: Tooling, **fields: Any) -> Mapping[str, Any]:
    made = create(tooling, "PackageInstallRequest", **fields)
    (row,) = tooling.rows(f"SELECT Status, Errors FROM PackageInstallRequest WHERE Id = '{made}'")
    return row


@pytest.mark.parametrize(("namespace", "number"), [("other", "1.0"), ("acme", "2.0"), ("acme", "latest")])
def test_a_version_that_nobody_declared_is_not_installed(
    offered: Tooling, namespace: str, number: str
) -> None:
    with pytest.raises(ComponentProblem) as refused:
        deploy(offered.org, namespace, number)
    assert refused.value.problem == f"InstalledPackage version number : {number} does not exist!"
    assert offered.rows(INSTALLED) == []


def test_a_deployed_package_is_a_row_with_its_version(offered: Tooling) -> None:
    deploy(offered.org, "acme", "1.9")
    (row,) = offered.rows(INSTALLED)
    assert (row["SubscriberPackage"]["Name"], row["SubscriberPackage"]["NamespacePrefix"]) == (
        "Acme Tools",
        "acme",
    )
    assert row["SubscriberPackageVersionId"] == version_id(offered)
    deploy(offered.org, "acme", "1.10 (Beta 2)")
    (row,) = offered.rows(
        "SELECT SubscriberPackageVersion.MinorVersion, SubscriberPackageVersion.IsBeta, "
        "SubscriberPackageVersion.BuildNumber FROM InstalledSubscriberPackage"
    )
    told = row["SubscriberPackageVersion"]
    assert (told["MinorVersion"], told["IsBeta"], told["BuildNumber"]) == (10, True, 2)


@pytest.mark.parametrize("by_key", [True, False])
def test_a_request_installs_what_is_declared(offered: Tooling, by_key: bool) -> None:
    told = request(
        offered,
        SubscriberPackageVersionKey=FIRST if by_key else version_id(offered),
        EnableRss=True,
        NameConflictResolution="Block",
        Password=None,
        SecurityType="FULL",
        UpgradeType=None,
        ApexCompileType=None,
    )
    assert (told["Status"], told["Errors"]) == ("SUCCESS", None)
    assert len(offered.rows(INSTALLED)) == 1


def test_a_request_for_an_unknown_version_ends_in_its_error(offered: Tooling) -> None:
    told = request(offered, SubscriberPackageVersionKey="04t000000000999AAA", NameConflictResolution="Block")
    assert told["Status"] == "ERROR"
    assert told["Errors"]["errors"][0]["message"].startswith("The requested package doesn't yet exist")
    assert offered.rows(INSTALLED) == []


def test_an_installed_package_is_uninstalled_once(offered: Tooling) -> None:
    deploy(offered.org, "acme", "1.9")
    ends = []
    for _ in range(2):
        made = create(
            offered,
            "SubscriberPackageVersionUninstallRequest",
            SubscriberPackageVersionId=version_id(offered),
        )
        query = f"SELECT Status FROM SubscriberPackageVersionUninstallRequest WHERE Id = '{made}'"
        ends.append(offered.rows(query)[0]["Status"])
    assert ends == ["Success", "Error"]
    assert offered.rows(INSTALLED) == []


def test_a_seed_declares_packages(tmp_path: Path) -> None:
    (tmp_path / "emulator").mkdir()
    file = tmp_path / "emulator" / "packages.yaml"
    file.write_text("packages:\n  - {namespace: acme, versions: [{number: '1.9'}], installed: '1.9'}\n")
    org, report = EmulatedOrg(), LoadReport()
    load_source(org, tmp_path, report)
    assert report.problems == []
    (told,) = packages.declared(org)["packages"]
    assert (told["namespace"], told["installed"]) == ("acme", "1.9")


def test_what_is_declared_can_be_declared_again(offered: Tooling) -> None:
    deploy(offered.org, "acme", "1.9")
    told = packages.declared(offered.org)
    packages.declare(offered.org, told)
    assert packages.declared(offered.org) == told


def test_all_that_is_wrong_with_a_declaration_is_told_at_once(tooling: Tooling) -> None:
    wrong = [{"namespace": "a"}, {"namespace": "b", "versions": [{"number": "x"}, {"nr": 1}]}, 7, ACME]
    with pytest.raises(BadDeclaration) as refused:
        packages.declare(tooling.org, {"packages": wrong})
    assert len(refused.value.problems) == 4
    assert packages.declared(tooling.org) == {"packages": []}


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        {"packages": []},
        {"packages": [{"namespace": "a"}]},
        {"packages": [{"namespace": "a", "versions": [{"number": "x"}]}]},
        {"packages": [{"namespace": "a", "versions": [{"number": "1.0", "key": "001000000000001"}]}]},
        {"packages": [{"namespace": "a", "versions": [{"number": "1.0"}], "installed": "2.0"}]},
        {"packages": [ACME, {"namespace": "a", "versions": "1.0"}]},
    ],
)
def test_a_declaration_that_cannot_be_understood_adds_nothing(tooling: Tooling, told: Any) -> None:
    with pytest.raises(BadDeclaration):
        packages.declare(tooling.org, told)
    assert packages.declared(tooling.org) == {"packages": []}
