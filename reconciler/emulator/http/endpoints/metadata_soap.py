"""The Metadata API over SOAP: one address, the operation is the body's element.

Elements of answers come in the WSDL's order, because some clients read them by it.

Source: Metadata API Developer Guide; the public WSDL of API 63; answers recorded 2012 to 2024.
"""

import base64
import binascii
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions, soapform
from reconciler.emulator.http.endpoints.metadata_access import check_may_deploy
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.http.soapform import CLIENT, METADATA, XSI, SoapCall, SoapRefusal, element
from reconciler.emulator.metadata import (
    deployments,
    describe_metadata,
    retrieve,
    shapes,
    single_components,
)
from reconciler.emulator.metadata.deploy_result import deploy_result
from reconciler.emulator.metadata.jobs import RETRIEVE
from reconciler.emulator.metadata.outcome import DeployOptions
from reconciler.emulator.metadata.package_xml import manifest_of
from reconciler.emulator.metadata.single_components import Component, Result
from reconciler.emulator.metadata_xml import Tree, child, each, flag, local_name, text, texts, tree_of
from reconciler.emulator.org import EmulatedOrg

ILLEGAL_SESSION = "Invalid Session ID found in SessionHeader: Illegal Session"
UNTYPED = f"Must specify a {{{XSI}}}type attribute value for the {{{METADATA}}}metadata element"
NILLABLE = frozenset(["methodName", "name", "namespace", "stackTrace", "zipFile"])
"""Elements that are `xsi:nil` when there is nothing to say; others are left out."""
LACKS = [
    "create, update, delete and checkStatus of API 30 and before",
    "packages that are installed bring nothing but themselves",
    "flows, workflow, assignment, escalation, auto-response, duplicate and matching rules and approval "
    "processes are stored and not run",
    "Apex, pages and Lightning components are not compiled: braces and names are checked",
    "items of enhanced sites (DigitalExperience) are no components of their own",
]
Operation = Callable[[EmulatedOrg, Request, SoapCall], str]


# -- XML of answers


def elements(values: Mapping[str, Any]) -> str:
    """The elements of an answer in the order given; a list is its items, nothing is left out or nil."""
    return "".join(_element(name, value) for name, value in values.items())


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if isinstance(value, Mapping):
        return f"<{name}>{elements(value)}</{name}>"
    if value is None:
        return element(name, None) if name in NILLABLE else ""
    return element(name, value)


def _record(type_name: str, full_name: str, tree: Tree | None) -> str:
    if tree is None:
        return '<records xsi:nil="true"/>'
    named = element("fullName", full_name)
    return f'<records xsi:type="{type_name}">{named}{_parts(type_name, tree)}</records>'


def _parts(type_name: str, tree: Tree) -> str:
    """A component's content, in which parts keep their names."""
    made = []
    for name, item, below in shapes.in_order(type_name, tree):
        if name in ("fullName", "bundleFile"):
            continue
        if isinstance(item, dict):
            own = element("fullName", text(item, "fullName")) if item.get("fullName") else ""
            made.append(f"<{name}>{own}{_parts(below, item)}</{name}>")
        else:
            made.append(element(name, item))
    return "".join(made)


# -- what a call gives


def _all_or_none(call: SoapCall) -> bool:
    header = call.headers.get("AllOrNoneHeader")
    return header is not None and flag(tree_of(header), "allOrNone")


def _components(request: Request, call: SoapCall) -> list[Component]:
    version = float(request.version)
    return [_component(each, version) for each in call.element if local_name(each.tag) == "metadata"]


def _component(item: ET.Element, version: float) -> Component:
    type_name = item.get(f"{{{XSI}}}type", "").rpartition(":")[2]
    if not type_name or type_name == "Metadata":
        raise SoapRefusal(CLIENT, UNTYPED)
    tree = tree_of(item)
    if problem := shapes.misfit(type_name, tree, version):
        raise SoapRefusal(CLIENT, problem)
    full_name = text(tree, "fullName") or ""
    return Component(
        type_name, full_name, {name: items for name, items in tree.items() if name != "fullName"}
    )


def _fitting(type_name: str, tree: Tree) -> Tree:
    if problem := shapes.misfit(type_name, tree):
        raise SoapRefusal(CLIENT, problem)
    return tree


def _results(results: list[Result], upsert: bool = False) -> str:
    return "".join(elements({"result": each.as_upsert() if upsert else each.as_save()}) for each in results)


def _only_argument(call: SoapCall) -> str:
    """The one argument of an operation, whatever the client calls it; the WSDL calls one `String`."""
    return next(iter(call.arguments.values()), "").strip()


def _archive(call: SoapCall) -> bytes:
    encoded = call.arguments.get("ZipFile", call.arguments.get("zipFile", ""))
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SoapRefusal(CLIENT, "'ZipFile' is not a valid value for the type xsd:base64Binary") from error


# -- operations


def _check_version(call: SoapCall) -> None:
    """Raises for an `asOfVersion` that is no number."""
    given = call.arguments.get("asOfVersion", "").strip()
    try:
        float(given or 0)
    except ValueError as error:
        raise SoapRefusal(CLIENT, f"'{given}' is not a valid value for the type xsd:double") from error


def _describe(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    _check_version(call)
    return elements({"result": describe_metadata.describe_metadata()})


def _describe_value_type(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    return elements({"result": describe_metadata.describe_value_type(call.arguments.get("type", ""))})


def _list(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    _check_version(call)
    queries = [
        (text(query, "type") or "", text(query, "folder")) for query in each(tree_of(call.element), "queries")
    ]
    listed = single_components.list_components(org, queries)
    return "".join(elements({"result": told}) for told in listed)


def _read(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    tree = tree_of(call.element)
    type_name = text(tree, "type") or ""
    found = single_components.read(org, type_name, texts(tree, "fullNames"))
    return f"<result>{''.join(_record(type_name, name, component) for name, component in found)}</result>"


def _writing(write: Callable[..., list[Result]], upsert: bool = False) -> Operation:
    def operation(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
        components = _components(request, call)
        with org.transaction(request.user_id) as tx:
            return _results(write(tx, components, all_or_none=_all_or_none(call)), upsert)

    return operation


def _delete(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    tree = tree_of(call.element)
    with org.transaction(request.user_id) as tx:
        return _results(
            single_components.delete(
                tx, text(tree, "type") or "", texts(tree, "fullNames"), all_or_none=_all_or_none(call)
            )
        )


def _rename(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    asked = call.arguments
    with org.transaction(request.user_id) as tx:
        result = single_components.rename(
            tx, asked.get("type", ""), asked.get("oldFullName", ""), asked.get("newFullName", "")
        )
    return _results([result])


def _deploy(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    options = DeployOptions.of_tree(_fitting("DeployOptions", child(tree_of(call.element), "DeployOptions")))
    job = deployments.submit(org, request.user_id, _archive(call), options)
    return _queued(job.text_id)


def _queued(job_id: str) -> str:
    return elements({"result": {"done": False, "id": job_id, "state": "Queued"}})


def _check_deploy(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    job = deployments.find(org, call.arguments.get("asyncProcessId", ""))
    details = call.arguments.get("includeDetails", "").strip().lower() in ("true", "1")
    return elements({"result": deploy_result(org, job, details=details)})


def _cancel(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    job_id = _only_argument(call)
    done = deployments.cancel(org, request.user_id, job_id)
    return elements({"result": {"done": done, "id": deployments.find(org, job_id).text_id}})


def _deploy_validated(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    job = deployments.submit_validated(org, request.user_id, _only_argument(call))
    return element("result", job.text_id)


def _retrieve(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    only = next((tree_of(each) for each in call.element), {})  # clients differ in what they call it
    asked = _fitting("RetrieveRequest", only)
    job = retrieve.submit(
        org,
        request.user_id,
        manifest_of(child(asked, "unpackaged")),
        packages=[name for name in texts(asked, "packageNames") if name],
        single=flag(asked, "singlePackage"),
        version=text(asked, "apiVersion") or request.version,
    )
    return _queued(job.text_id)


def _check_retrieve(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    job = retrieve.find(org, call.arguments.get("asyncProcessId", "").strip())
    wanted = call.arguments.get("includeZip", "true").strip().lower() not in ("false", "0")
    archive = base64.b64encode(job.content).decode() if job.content is not None and wanted else None
    return elements({"result": {**retrieve.retrieve_result(job), "zipFile": archive}})


def _check_status(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    """The state of either kind of job, as API 30 and before ask for it."""
    job_id = call.arguments.get("asyncProcessId", "").strip()
    kind = retrieve if job_id.startswith("09S") else deployments
    job = kind.find(org, job_id)
    if not job.done:
        state = "InProgress" if job.kind == RETRIEVE or job.started else "Queued"
    else:
        state = "Error" if job.status == "Failed" else "Completed"
    return elements({"result": {"done": job.done, "id": job.text_id, "state": state}})


READING: dict[str, Operation] = {
    "describeMetadata": _describe,
    "describeValueType": _describe_value_type,
    "listMetadata": _list,
    "readMetadata": _read,
    "checkDeployStatus": _check_deploy,
    "retrieve": _retrieve,
    "checkRetrieveStatus": _check_retrieve,
    "checkStatus": _check_status,
}
WRITING: dict[str, Operation] = {
    "createMetadata": _writing(single_components.create),
    "updateMetadata": _writing(single_components.update),
    "upsertMetadata": _writing(single_components.upsert, upsert=True),
    "deleteMetadata": _delete,
    "renameMetadata": _rename,
    "deploy": _deploy,
    "cancelDeploy": _cancel,
    "deployRecentValidation": _deploy_validated,
}
OPERATIONS = READING | WRITING


def _answer(org: EmulatedOrg, request: Request, api: str) -> Reply:
    request.version = soapform.version_of(api)
    call = soapform.parse(request.body)
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        raise soapform.no_operation(call)
    try:
        request.session = sessions.resume(org, call.session_id)
    except ApiError as error:
        raise SoapRefusal("INVALID_SESSION_ID", ILLEGAL_SESSION) from error
    check_may_deploy(org, request.user_id)
    return soapform.reply(request, call.operation, operation(org, request, call))


@route("POST", "/services/Soap/m/{api}", family=Family.SOAP, lacks=LACKS)
def metadata(org: EmulatedOrg, request: Request, api: str) -> Reply:
    """One operation of the Metadata API."""
    return _answer(org, request, api)


@route("POST", "/services/Soap/m/{api}/{org_id}", family=Family.SOAP)
def metadata_of_org(org: EmulatedOrg, request: Request, api: str, org_id: str) -> Reply:
    """As above, at the address that login answered, or at `deployRequest`."""
    return _answer(org, request, api)


@route("POST", "/services/Soap/m/{api}/deployRequest/{job_id}", family=Family.SOAP)
def metadata_of_job(org: EmulatedOrg, request: Request, api: str, job_id: str) -> Reply:
    """As above, at the address some clients ask for a job's state."""
    return _answer(org, request, api)
