"""Invocable actions: what there are, and the standard ones that need no user interface and no model.

Flows and Apex are listed and not run.

Source: REST API Developer Guide, "Invocable Actions Standard", "Invocable Actions Custom"; Actions
Developer Guide. Results are not recorded.
"""

from typing import Any

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.metadata_xml import text
from reconciler.emulator.org import EmulatedOrg

STANDARD = {
    "chatterPost": ("Post to Chatter", "CHATTERPOST", ("text", "subjectNameOrId")),
    "emailSimple": ("Send Email", "EMAILSIMPLE", ("emailBody", "emailSubject")),
    "activateSessionPermSet": ("Activate Session-Based Permission Set", "ACTIVATESESSIONPERMSET", ()),
    "deactivateSessionPermSet": ("Deactivate Session-Based Permission Set", "DEACTIVATESESSIONPERMSET", ()),
}
"""Label, type and required inputs."""
CUSTOM = ("apex", "emailAlert", "externalService", "flow", "quickAction", "sendNotification")
LACKS = ["mails and posts are taken and not sent", "flows and Apex are not run", "most standard actions"]


@route("GET", "/actions")
def list_families(org: EmulatedOrg, request: Request) -> Reply:
    """Where the standard and the custom actions are."""
    return ok({name: f"{request.data_path}/actions/{name}" for name in ("standard", "custom")})


@route("GET", "/actions/standard", lacks=LACKS)
def list_standard(org: EmulatedOrg, request: Request) -> Reply:
    """The standard actions."""
    base = f"{request.data_path}/actions/standard"
    return ok(
        {
            "actions": [
                {"label": label, "name": name, "type": kind, "url": f"{base}/{name}"}
                for name, (label, kind, _) in STANDARD.items()
            ]
        }
    )


@route("GET", "/actions/standard/{name}", lacks=LACKS)
def describe_standard(org: EmulatedOrg, request: Request, name: str) -> Reply:
    """What a standard action takes."""
    if name not in STANDARD:
        raise NotFound
    label, kind, required = STANDARD[name]
    inputs = [{"label": each, "name": each, "required": True, "type": "STRING"} for each in required]
    return ok(
        {"description": label, "inputs": inputs, "label": label, "name": name, "outputs": [], "type": kind}
    )


@route("POST", "/actions/standard/{name}", lacks=LACKS)
def run_standard(org: EmulatedOrg, request: Request, name: str) -> Reply:
    """Run a standard action, once an input; 400 when all of them fail."""
    if name not in STANDARD:
        raise NotFound
    body = request.json
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
        raise ApiError("Missing required input parameter: inputs", code="INVALID_API_INPUT")
    results = [_result(name, each) for each in inputs]
    return ok(results, 200 if any(each["isSuccess"] for each in results) or not results else 400)


def _result(name: str, given: dict[str, Any]) -> dict[str, Any]:
    missing = [each for each in STANDARD[name][2] if not given.get(each)]
    errors = [
        {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": f"Missing required input parameter: {each}",
            "fields": [],
        }
        for each in missing
    ]
    return {"actionName": name, "errors": errors or None, "isSuccess": not missing, "outputValues": None}


@route("GET", "/actions/custom")
def list_custom_families(org: EmulatedOrg, request: Request) -> Reply:
    """Where the custom actions are, by kind."""
    return ok({name: f"{request.data_path}/actions/custom/{name}" for name in CUSTOM})


@route("GET", "/actions/custom/{kind}", lacks=LACKS)
def list_custom(org: EmulatedOrg, request: Request, kind: str) -> Reply:
    """The custom actions of a kind: stored flows and quick actions."""
    if kind not in CUSTOM:
        raise NotFound
    names = org.components.names({"flow": "Flow", "quickAction": "QuickAction"}.get(kind, ""))
    base = f"{request.data_path}/actions/custom/{kind}"
    actions = [
        {"label": _label(org, kind, name), "name": name, "type": kind.upper(), "url": f"{base}/{name}"}
        for name in names
    ]
    return ok({"actions": actions})


def _label(org: EmulatedOrg, kind: str, name: str) -> str:
    tree = org.components.tree("Flow" if kind == "flow" else "QuickAction", name) or {}
    return text(tree, "label") or name
