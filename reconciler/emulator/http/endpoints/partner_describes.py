"""Describes through the partner and enterprise APIs: the values of the REST describes as elements.

Source: SOAP API Developer Guide, "Describe Calls".
"""

from typing import Any

from reconciler.emulator.http.endpoints import describes, layouts
from reconciler.emulator.http.endpoints.partner_calls import Call, Operation
from reconciler.emulator.http.endpoints.partner_rows import sobject_of
from reconciler.emulator.http.endpoints.sobject_collections import TooManyRecords
from reconciler.emulator.http.soap_records import tree

MAX_OBJECTS = 100
PAGE_URLS = {"uiDetailTemplate": "urlDetail", "uiEditTemplate": "urlEdit", "uiNewRecord": "urlNew"}


def _describe_global(call: Call) -> str:
    sub = call.request.sub("GET", f"{call.request.data_path}/sobjects")
    value = dict(describes.describe_global(call.org, sub).value)
    value["sobjects"] = [_without_urls(each) for each in value["sobjects"]]
    return f"<result>{tree(value)}</result>"


def _without_urls(value: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in ("urls", "sobjectDescribeOption")}


def _describe(call: Call, name: str) -> str:
    sobject = sobject_of(call, name)
    sub = call.request.sub("GET", f"{call.request.data_path}/sobjects/{sobject.name}/describe")
    value = describes.describe_sobject(call.org, sub, sobject.name).value
    told = _without_urls(value)
    told["recordTypeInfos"] = [_without_urls(each) for each in value["recordTypeInfos"]]
    told |= {new: value["urls"][old] for old, new in PAGE_URLS.items() if old in value["urls"]}
    return f"<result>{tree(told)}</result>"


def _describe_one(call: Call) -> str:
    return _describe(call, call.text("sObjectType"))


def _describe_several(call: Call) -> str:
    wanted = call.texts("sObjectType")
    if len(wanted) > MAX_OBJECTS:
        raise TooManyRecords(MAX_OBJECTS)
    return "".join(_describe(call, name) for name in wanted)


def _describe_tabs(call: Call) -> str:
    """A result an application, the first selected; each has all tabs."""
    from reconciler.emulator.http.endpoints import furniture

    tabs = furniture.tabs(call.org, call.request)
    told = []
    for at, (name, label) in enumerate(furniture.applications(call.org).items()):
        app = {"description": "", "label": label, "logoUrl": f"{call.request.base_url}/img/logo.png"}
        told.append({**app, "namespace": "", "selected": at == 0, "tabSetId": name, "tabs": tabs})
    return tree({"result": told})


def _describe_layout(call: Call) -> str:
    """The pages of an object, of all its record types or of those in `recordTypeIds`."""
    sobject = sobject_of(call, call.text("sObjectType"))
    sub = call.request.sub("GET", f"{call.request.data_path}/sobjects/{sobject.name}/describe/layouts")
    value = dict(layouts.list_layouts(call.org, sub, sobject.name).value)
    wanted = call.texts("recordTypeIds") or [each["recordTypeId"] for each in value["recordTypeMappings"]]
    pages = [layouts.read_layout(call.org, sub, sobject.name, each).value for each in wanted]
    value["layouts"] = list({page["id"]: page for page in pages}.values())
    value["recordTypeMappings"] = [_without_urls(each) for each in value["recordTypeMappings"]]
    return f"<result>{tree(value)}</result>"


OPERATIONS: dict[str, Operation] = {
    "describeGlobal": _describe_global,
    "describeLayout": _describe_layout,
    "describeSObject": _describe_one,
    "describeSObjects": _describe_several,
    "describeTabs": _describe_tabs,
}
