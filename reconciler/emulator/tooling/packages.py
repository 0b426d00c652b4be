"""Packages that can be installed: an org knows those that it was told of, and no others.

A declaration names packages and their versions; it comes from `emulator/packages.yaml` of a seed, from the
control address of a served org, or from `declare`::

    packages:
      - namespace: acme
        name: Acme Tools
        versions:
          - {number: "1.9", key: 04t000000000001AAA}
          - {number: "2.0"}
        installed: "1.9"

The key of a version is the id that it has elsewhere, by which a request may ask for it; here it has an id of
this org. What is installed is the component InstalledPackage of the namespace; it
brings nothing but itself. It is written by a deployment, or by the requests of the Tooling API, which are
done as soon as they are made.

Source: Metadata API Developer Guide, "InstalledPackage"; Tooling API, "PackageInstallRequest",
"SubscriberPackageVersion"; texts as public clients look for them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import ids
from ..declaring import BadDeclaration
from ..metadata.component_types import ComponentProblem, component_type
from ..writes import Transaction
from . import virtual

if TYPE_CHECKING:
    from ..org import EmulatedOrg

COMPONENT = "InstalledPackage"
INSTALL, UNINSTALL = "PackageInstallRequest", "SubscriberPackageVersionUninstallRequest"
PACKAGE, VERSION = "SubscriberPackage", "SubscriberPackageVersion"
KEY = "Key"
"""What a version is called elsewhere, kept beside its row."""
NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:\s*\(?\s*[Bb](?:eta)?\s*(\d+)\)?)?")
WORDS = frozenset(["namespace", "name", "versions", "installed"])
VERSION_WORDS = frozenset(["number", "key"])
UNAVAILABLE = (
    "The requested package doesn't yet exist or has been deleted. If the package was recently created, "
    "please try again later, or contact salesforce support."
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version that can be installed; ``number`` as metadata writes it: `1.9`, `1.10 (Beta 2)`."""

    namespace: str
    number: str
    version: int
    package: int


# -- what can be installed


def declare(org: "EmulatedOrg", told: Any) -> None:
    """Add packages and versions. Raises `BadDeclaration`, and adds none, for what cannot be understood."""
    if problems := list(_problems(told)):
        raise BadDeclaration(problems)
    from .view import tooling

    with org.transaction() as tx:
        inner = tooling(org).transaction(tx)
        for each in told["packages"]:
            _declare_one(inner, each)
            if number := each.get("installed"):
                component_type(COMPONENT).write(tx, each["namespace"], {"versionNumber": [str(number)]})


def _problems(told: Any) -> Iterator[str]:
    packages = told.get("packages") if isinstance(told, Mapping) else None
    if not isinstance(packages, list) or not packages:
        yield "a declaration is an object with a list of packages"
        return
    for each in packages:
        if not isinstance(each, Mapping) or not isinstance(each.get("namespace"), str) or each.keys() - WORDS:
            yield f"a package has a namespace, and may have {', '.join(sorted(WORDS))}"
        else:
            yield from _package_problems(each)


def _package_problems(told: Mapping[str, Any]) -> Iterator[str]:
    namespace, versions = told["namespace"], told.get("versions")
    if not isinstance(versions, list) or not versions:
        yield f"the package {namespace} has a list of versions"
        return
    for each in versions:
        if not isinstance(each, Mapping) or each.keys() - VERSION_WORDS:
            yield f"a version of {namespace} has a number, and may have a key"
            continue
        if not NUMBER.fullmatch(str(each.get("number", ""))):
            yield f"the number of a version is like '1.9' or '1.10 (Beta 2)', not {each!r}"
        if "key" in each and ids.prefix_of(ids.parse(str(each["key"])) or 0) != "04t":
            yield f"the key of a version is an id that begins with 04t, not {each!r}"
    numbers = [str(each.get("number")) for each in versions if isinstance(each, Mapping)]
    if "installed" in told and str(told["installed"]) not in numbers:
        yield f"the installed version of {namespace} is one of {', '.join(numbers)}"


def _declare_one(inner: Transaction, told: Mapping[str, Any]) -> None:
    name = told.get("name") or told["namespace"]
    values = {"Name": name, "IsPackageValid": 1}
    package = inner.put_row(PACKAGE, {"NamespacePrefix": told["namespace"]}, values)
    for each in told["versions"]:
        _declare_version(inner, package, each)


def _declare_version(inner: Transaction, package: int, told: Mapping[str, Any]) -> None:
    found = NUMBER.fullmatch(str(told["number"]))
    assert found is not None
    major, minor, patch, beta = (int(each or 0) for each in found.groups())
    numbers = {"MajorVersion": major, "MinorVersion": minor, "PatchVersion": patch, "BuildNumber": beta or 1}
    number = inner.put_row(
        VERSION,
        {"SubscriberPackageId": package, **numbers},
        {
            "Name": str(told["number"]),
            "ReleaseState": "Beta" if beta else "Released",
            "IsBeta": int(bool(beta)),
            "IsManaged": 1,
            "Package2ContainerOptions": "Managed",
        },
    )
    if key := told.get("key"):
        virtual.keep(inner.org, number, KEY, str(key)[:15])


def versions(org: "EmulatedOrg") -> Iterator[Version]:
    """All versions that can be installed."""
    from .view import tooling

    tooling(org).ready()
    for namespace, name, version, package in org.store.execute(
        f'SELECT p."NamespacePrefix", v."Name", v."Id", p."Id" FROM "{VERSION}" v '  # noqa: S608 - names are ours
        f'JOIN "{PACKAGE}" p ON p."Id" = v."SubscriberPackageId" ORDER BY p."Id", v."Id"'
    ):
        yield Version(namespace, name, version, package)


def find(org: "EmulatedOrg", namespace: str, number: str) -> Version | None:
    """The version of a namespace with a number, whatever its blanks."""
    wanted = (namespace.lower(), NUMBER.fullmatch(number.strip()))
    return next(
        (
            each
            for each in versions(org)
            if wanted[1]
            and each.namespace.lower() == wanted[0]
            and _same(NUMBER.fullmatch(each.number), wanted[1])
        ),
        None,
    )


def _same(one: re.Match[str] | None, other: re.Match[str]) -> bool:
    return one is not None and [int(x or 0) for x in one.groups()] == [int(x or 0) for x in other.groups()]


def declared(org: "EmulatedOrg") -> dict[str, Any]:
    """Everything that can be installed, in the form of `declare`."""
    kind = component_type(COMPONENT)
    told: dict[str, dict[str, Any]] = {}
    for each in versions(org):
        package = told.setdefault(each.namespace, {"namespace": each.namespace, "versions": []})
        key = virtual.kept(org, each.version, KEY) or ids.to_text(each.version)[:15]
        package["versions"].append({"number": each.number, "key": key})
        if tree := kind.read(org, each.namespace):
            package["installed"] = tree["versionNumber"][0]
    return {"packages": list(told.values())}


# -- requests of the Tooling API


def after_insert(org: "EmulatedOrg", tx: Transaction, sobject: str, record_id: str) -> None:
    """Carry out a request to install or uninstall a package."""
    act = {INSTALL: _install, UNINSTALL: _uninstall}.get(sobject)
    if act is None:
        return
    from .view import tooling

    inner = tooling(org).transaction(tx)
    table, number = inner.tables[sobject], ids.parse(record_id) or 0
    inner.set_fields(table, number, {"Status": act(org, tx, number, inner.row(table, number))})


def _install(org: "EmulatedOrg", tx: Transaction, number: int, row: Mapping[str, Any]) -> str:
    wanted = row["SubscriberPackageVersionKey"][:15]
    found = next(
        (
            each
            for each in versions(org)
            if wanted in (ids.to_text(each.version)[:15], virtual.kept(org, each.version, KEY))
        ),
        None,
    )
    if found is None:
        virtual.keep(org, number, "Errors", {"errors": [{"message": UNAVAILABLE}]})
        return "ERROR"
    component_type(COMPONENT).write(tx, found.namespace, {"versionNumber": [found.number]})
    return "SUCCESS"


def _uninstall(org: "EmulatedOrg", tx: Transaction, number: int, row: Mapping[str, Any]) -> str:
    kind = component_type(COMPONENT)
    for each in versions(org):
        tree = kind.read(org, each.namespace) or {}
        wanted = ids.parse(row["SubscriberPackageVersionId"])
        if each.version == wanted and tree.get("versionNumber") == [each.number]:
            kind.delete(tx, each.namespace)
            return "Success"
    return "Error"


def absent_version(number: str) -> ComponentProblem:
    """The problem of installing what cannot be installed."""
    return ComponentProblem(f"InstalledPackage version number : {number} does not exist!")
