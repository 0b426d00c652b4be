"""Describes through the partner and enterprise APIs: the values of the REST describes as elements.

Source: SOAP API Developer Guide, "Describe Calls"; the order of elements as in the partner WSDL.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.emulator.http.endpoints import describes, layouts
from reconciler.emulator.http.endpoints.partner_calls import Call, Operation
from reconciler.emulator.http.endpoints.partner_rows import sobject_of
from reconciler.emulator.http.endpoints.sobject_collections import TooManyRecords
from reconciler.emulator.http.message import Request
from reconciler.emulator.http.soap_records import tree
from reconciler.emulator.http.soap_shapes import described_object, shaped
from reconciler.emulator.http.soapform import SoapRefusal

MAX_OBJECTS = 100
ID_ENABLED_SINCE = 38
REST_ONLY = ("urls", "sobjectDescribeOption")
PAGE_URLS = {"uiDetailTemplate": "urlDetail", "uiEditTemplate": "urlEdit", "uiNewRecord": "urlNew"}


def _describe_global(call: Call) -> str:
    sub = call.request.sub("GET", f"{call.request.data_path}/sobjects")
    value = dict(describes.describe_global(call.org, sub).value)
    return f"<result>{_global(call, value)}</result>"


def _global(call: Call, value: Mapping[str, Any]) -> str:
    objects = (described_object(_object(call, each)) for each in value["sobjects"])
    told = "".join(f"<sobjects>{each}</sobjects>" for each in objects)
    return tree({"encoding": value["encoding"], "maxBatchSize": value["maxBatchSize"]}) + told


def _object(call: Call, value: Mapping[str, Any]) -> dict[str, Any]:
    """What SOAP tells of an object besides; since when is a guess."""
    told = {name: each for name, each in value.items() if name not in REST_ONLY}
    return told | ({"idEnabled": True} if call.request.version_number >= ID_ENABLED_SINCE else {})


def _without_urls(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in REST_ONLY}


def _sub(call: Call, path: str) -> Request:
    return call.request.sub("GET", call.request.data_path + path)


def _describe(call: Call, name: str) -> str:
    sobject = sobject_of(call, name)
    sub = call.request.sub("GET", f"{call.request.data_path}/sobjects/{sobject.name}/describe")
    value = describes.describe_sobject(call.org, sub, sobject.name).value
    told = _object(call, value)
    for name in ("recordTypeInfos", "namedLayoutInfos"):
        told |= {name: [_without_urls(each) for each in value[name]]} if name in value else {}
    told |= {new: value["urls"][old] for old, new in PAGE_URLS.items() if old in value["urls"]}
    return f"<result>{described_object(told)}</result>"


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
    return _results([value], "Layouts")


def _results(values: Iterable[Mapping[str, Any]], shape: str) -> str:
    return "".join(f"<result>{shaped(each, shape)}</result>" for each in values)


def _describe_all_tabs(call: Call) -> str:
    from reconciler.emulator.http.endpoints import furniture

    return tree({"result": furniture.tabs(call.org, call.request)})


def _describe_compact_layouts(call: Call) -> str:
    """The compact layouts of an object, with the mappings of all its record types or those named."""
    name = sobject_of(call, call.text("sObjectType")).name
    path = f"/sobjects/{name}/describe/compactLayouts"
    value = dict(layouts.list_compact_layouts(call.org, _sub(call, path), name).value)
    wanted = call.texts("recordTypeIds")
    value["recordTypeCompactLayoutMappings"] = [
        each
        for each in value["recordTypeCompactLayoutMappings"]
        if not wanted or each["recordTypeId"] in wanted
    ]
    return _results([value], "CompactLayouts")


def _describe_primary_compact_layouts(call: Call) -> str:
    names = [sobject_of(call, name).name for name in call.texts("sObjectTypes")]
    if not names:
        return ""
    sub = _sub(call, f"/compactLayouts?q={','.join(names)}")
    value = layouts.compact_layouts_of(call.org, sub).value
    return _results((value[name] for name in names), "CompactLayout")


def _theme(call: Call, wanted: Iterable[str] = ()) -> str:
    from reconciler.emulator.http.endpoints import furniture

    names = [sobject_of(call, name).name for name in wanted]
    items = furniture.read_theme(call.org, call.request).value["themeItems"]
    return shaped({"themeItems": [each for each in items if not names or each["name"] in names]}, "Theme")


def _describe_theme(call: Call) -> str:
    return f"<result>{_theme(call, call.texts('sobjectType'))}</result>"


def _describe_global_theme(call: Call) -> str:
    value = describes.describe_global(call.org, _sub(call, "/sobjects")).value
    return f"<result><global>{_global(call, value)}</global><theme>{_theme(call)}</theme></result>"


def _describe_app_menu(call: Call) -> str:
    from reconciler.emulator.http.endpoints import furniture

    menus = {
        "AppSwitcher": furniture.switcher,
        "Salesforce1": furniture.mobile_menu,
        "NetworkTabs": furniture.network_menu,
    }
    wanted = menus.get(call.text("appMenuType"))
    if wanted is None:
        raise SoapRefusal("INVALID_TYPE", f"'{call.text('appMenuType')}' is not a valid AppMenuType")
    items = wanted(call.org, call.request).value["appMenuItems"]
    told = [{**each, "content": each["content"] or "", "name": each["label"]} for each in items]
    return _results([{"appMenuItems": told}], "AppMenu")


def _describe_available_quick_actions(call: Call) -> str:
    from reconciler.emulator.http.endpoints import quick_actions

    context = call.text("contextType")
    if context and context != "Global":
        name = sobject_of(call, context).name
        sub = _sub(call, f"/sobjects/{name}/quickActions")
        found = quick_actions.list_object_actions(call.org, sub, name).value
    else:
        found = quick_actions.list_global_actions(call.org, _sub(call, "/quickActions")).value
    return _results(found, "AvailableQuickAction")


def _describe_quick_actions(call: Call) -> str:
    """Actions by name: `NewTask`, or `Account.NewContact` for one of an object; without their layouts."""
    from reconciler.emulator.http.endpoints import quick_actions

    found = (quick_actions.described(call.org, call.request, each) for each in call.texts("quickActions"))
    return _results(({**each, "layout": None} for each in found), "QuickAction")


def _describe_search_layouts(call: Call) -> str:
    from reconciler.emulator.http.endpoints import search

    names = ",".join(sobject_of(call, name).name for name in call.texts("sObjectType"))
    found = search.result_layouts(call.org, _sub(call, f"/search/layout?q={names}")).value
    return _results(found, "SearchLayout")


def _describe_search_scope_order(call: Call) -> str:
    from reconciler.emulator.http.endpoints import search

    found = search.scope_order(call.org, _sub(call, "/search/scopeOrder")).value
    schema = call.org.schema
    told = ({"name": each["type"], "keyPrefix": schema[each["type"]].key_prefix} for each in found)
    return _results(told, "SearchScope")


def _describe_nothing(call: Call) -> str:
    """What an org without the feature has none of: knowledge articles and their data categories, nouns."""
    return ""


OPERATIONS: dict[str, Operation] = {
    "describeAllTabs": _describe_all_tabs,
    "describeAppMenu": _describe_app_menu,
    "describeAvailableQuickActions": _describe_available_quick_actions,
    "describeCompactLayouts": _describe_compact_layouts,
    "describeDataCategoryGroups": _describe_nothing,
    "describeDataCategoryGroupStructures": _describe_nothing,
    "describeGlobal": _describe_global,
    "describeGlobalTheme": _describe_global_theme,
    "describeLayout": _describe_layout,
    "describePrimaryCompactLayouts": _describe_primary_compact_layouts,
    "describeQuickActions": _describe_quick_actions,
    "describeSObject": _describe_one,
    "describeSObjects": _describe_several,
    "describeSearchLayouts": _describe_search_layouts,
    "describeSearchScopeOrder": _describe_search_scope_order,
    "describeTabs": _describe_tabs,
    "describeTheme": _describe_theme,
}
