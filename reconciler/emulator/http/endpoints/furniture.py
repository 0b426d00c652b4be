"""What a user interface is furnished with: tabs, themes, menus of applications, communities.

Tabs are those of the objects that have some; applications are the standard ones and the stored ones.
Nothing has an icon or a colour of its own here.

Source: REST API Developer Guide, "Tabs", "Themes", "AppMenu Items"; communities as recorded.
"""

from typing import Any

from reconciler.emulator.http import dml
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.metadata_xml import text
from reconciler.emulator.org import EmulatedOrg

APPS = {"standard__Sales": "Sales", "standard__Service": "Service", "standard__Marketing": "Marketing"}
WITH_TABS = (
    "Account", "Asset", "Campaign", "Case", "Contact", "Contract", "Dashboard", "Document", "Idea", "Lead",
    "Opportunity", "Order", "Pricebook2", "Product2", "Report", "Solution",
)  # fmt: skip
COLOR = {"color": "0070D2", "context": "primary", "theme": "theme4"}
LACKS = ["icons and colours of the org's own"]


def _icons(request: Request, name: str) -> list[dict[str, Any]]:
    url = f"{request.base_url}/img/icon/t4v35/standard/{name}.svg"
    return [{"contentType": "image/svg+xml", "height": 0, "theme": "theme4", "url": url, "width": 0}]


@route("GET", "/tabs", lacks=LACKS)
def list_tabs(org: EmulatedOrg, request: Request) -> Reply:
    """The tabs the caller has."""
    return ok(tabs(org, request))


def tabs(org: EmulatedOrg, request: Request) -> list[dict[str, Any]]:
    """Each tab as the resource and the SOAP APIs tell it."""
    schema = dml.schema_of(org, request)
    standard = [
        _tab(request, f"standard-{name}", schema[name].label_plural, name)
        for name in WITH_TABS
        if name in schema
    ]
    custom = []
    for name in org.components.names("CustomTab"):
        tree = org.components.tree("CustomTab", name) or {}
        owner = schema.get(name)
        label = owner.label_plural if owner else text(tree, "label") or name
        custom.append(_tab(request, name, label, owner.name if owner else None))
    return [*standard, *custom]


def applications(org: EmulatedOrg) -> dict[str, str]:
    """Labels of the applications by name, the standard ones first."""
    stored = {
        name: text(org.components.tree("CustomApplication", name) or {}, "label") or name
        for name in org.components.names("CustomApplication")
        if not name.startswith("standard__")
    }
    return {**APPS, **stored}


def _tab(request: Request, name: str, label: str, sobject: str | None) -> dict[str, Any]:
    plain = (sobject or "custom").lower()
    return {
        "colors": [COLOR],
        "custom": not name.startswith("standard-"),
        "iconUrl": f"{request.base_url}/img/icon/{plain}32.png",
        "icons": _icons(request, plain),
        "label": label,
        "miniIconUrl": f"{request.base_url}/img/icon/{plain}16.png",
        "name": name,
        "sobjectName": sobject,
        "url": f"{request.base_url}/{sobject or name}/o",
    }


@route("GET", "/theme", lacks=LACKS)
def read_theme(org: EmulatedOrg, request: Request) -> Reply:
    """Colours and icons of the objects that have tabs."""
    schema = dml.schema_of(org, request)
    items = [
        {"colors": [COLOR], "icons": _icons(request, name.lower()), "name": name}
        for name in WITH_TABS
        if name in schema
    ]
    return ok({"themeItems": items})


@route("GET", "/appMenu")
def list_menus(org: EmulatedOrg, request: Request) -> Reply:
    """The menus there are."""
    names = ("NetworkTabs", "Salesforce1", "AppSwitcher")
    return ok({name: f"{request.data_path}/appMenu/{name}" for name in names})


@route("GET", "/appMenu/AppSwitcher", lacks=LACKS)
def switcher(org: EmulatedOrg, request: Request) -> Reply:
    """The applications the caller may change to."""
    items = [_item(request, "TabSet", name, label) for name, label in applications(org).items()]
    return ok({"appMenuItems": items})


@route("GET", "/appMenu/Salesforce1", lacks=LACKS)
def mobile_menu(org: EmulatedOrg, request: Request) -> Reply:
    """The menu of the mobile application: the tabs."""
    schema = dml.schema_of(org, request)
    items = [
        _item(request, "Standard.Tab", name, schema[name].label_plural)
        for name in WITH_TABS
        if name in schema
    ]
    return ok({"appMenuItems": items})


@route("GET", "/appMenu/NetworkTabs")
def network_menu(org: EmulatedOrg, request: Request) -> Reply:
    """The menu of a community, of which there are none."""
    return ok({"appMenuItems": []})


def _item(request: Request, kind: str, name: str, label: str) -> dict[str, Any]:
    return {
        "type": kind,
        "content": None,
        "icons": _icons(request, "custom"),
        "colors": [COLOR],
        "label": label,
        "url": f"{request.base_url}/home/home.jsp?tsid={name}",
    }


@route("GET", "/connect/communities")
def list_communities(org: EmulatedOrg, request: Request) -> Reply:
    """The communities: there are none."""
    return ok({"communities": [], "total": 0})
