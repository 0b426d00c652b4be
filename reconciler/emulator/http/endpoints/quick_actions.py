"""Quick actions: those that every org has, and the stored ones, global or of an object.

Using one creates the row that it is for, or updates the one it is used on.

Source: REST API Developer Guide, "Quick Actions", "sObject Quick Actions"; the list and default values as
recorded.
"""

from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.endpoints.describes import versioned
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.metadata_xml import Tree, child, each, text, texts
from reconciler.emulator.org import EmulatedOrg

CREATES = {
    "LogACall": ("Log a Call", "LogACall", "Task"),
    "NewAccount": ("New Account", "Create", "Account"),
    "NewCase": ("New Case", "Create", "Case"),
    "NewContact": ("New Contact", "Create", "Contact"),
    "NewEvent": ("New Event", "Create", "Event"),
    "NewGroup": ("New Group", "Create", "CollaborationGroup"),
    "NewLead": ("New Lead", "Create", "Lead"),
    "NewNote": ("New Note", "Create", "ContentVersion"),
    "NewOpportunity": ("New Opportunity", "Create", "Opportunity"),
    "NewTask": ("New Task", "Create", "Task"),
    "SendEmail": ("Email", "SendEmail", "EmailMessage"),
}
"""The global actions of a new org: label, type, and the object they make a row of."""
POSTS = {
    "FeedItem.TextPost": "Post",
    "FeedItem.ContentPost": "File",
    "FeedItem.MobileSmartActions": "Mobile Smart Actions",
    "FeedItem.LinkPost": "Link",
    "FeedItem.PollPost": "Poll",
    "FeedItem.QuestionPost": "Question",
}
FIELDS = {
    "Task": ("Subject", "ActivityDate", "WhoId", "WhatId", "OwnerId", "Status"),
    "Event": ("Subject", "StartDateTime", "EndDateTime", "WhoId", "WhatId", "OwnerId"),
}
"""The fields of an action's form that has no layout of its own."""
ACTION = "09D"
LACKS = ["canvas, flow, Visualforce and Lightning actions are listed and not run", "predefined values"]


def _stored(org: EmulatedOrg, owner: str | None) -> dict[str, Tree]:
    """Stored actions by name: of an object, or the global ones."""
    found = {}
    for full_name in org.components.names("QuickAction"):
        before, dot, _ = full_name.rpartition(".")
        if (before if dot else None) == owner:
            found[full_name] = org.components.tree("QuickAction", full_name) or {}
    return found


def _entry(base: str, name: str, label: str, kind: str, action: str) -> dict[str, Any]:
    url = f"{base}/{name}"
    urls = {
        "defaultValues": f"{url}/defaultValues",
        "quickAction": url,
        "describe": f"{url}/describe",
        "defaultValuesTemplate": f"{url}/defaultValues/{{ID}}",
    }
    return {"actionEnumOrId": action, "label": label, "name": name, "type": kind, "urls": urls}


def _actions(org: EmulatedOrg, request: Request, owner: str | None) -> list[dict[str, Any]]:
    base = (
        f"{request.data_path}/sobjects/{owner}/quickActions" if owner else f"{request.data_path}/quickActions"
    )
    stored = _stored(org, owner)
    own = [
        _entry(base, name, text(tree, "label") or name, text(tree, "type") or "Create", _stored_id(org, name))
        for name, tree in stored.items()
    ]
    usual = [
        _entry(base, name, label, kind, ids.to_text(ids.make(ACTION, at))[:15])
        for at, (name, (label, kind, _)) in enumerate(CREATES.items(), 1)
        if name not in stored
    ]
    posts = [
        {"actionEnumOrId": name, "label": label, "name": name, "type": "Post", "urls": {}}
        for name, label in POSTS.items()
    ]
    return [*sorted([*usual, *own], key=lambda each: str(each["name"])), *posts]


def _stored_id(org: EmulatedOrg, name: str) -> str:
    facts = org.components.facts("QuickAction", name)
    return ids.to_text(facts.id)[:15] if facts is not None and facts.id is not None else name


@route("GET", "/quickActions", lacks=LACKS)
def list_global_actions(org: EmulatedOrg, request: Request) -> Reply:
    """The global actions."""
    return versioned(org, request, "quickActions", lambda: _actions(org, request, None))


@route("GET", "/sobjects/{sobject}/quickActions", lacks=LACKS)
def list_object_actions(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The actions of an object, and the global ones."""
    target = dml.sobject_of(org, sobject, request)
    return versioned(org, request, f"quickActions {target.name}", lambda: _actions(org, request, target.name))


class _Action:
    """One action: what it makes and what its form has."""

    def __init__(self, org: EmulatedOrg, request: Request, owner: str | None, name: str) -> None:
        self.org, self.request, self.name = org, request, name
        found = [each for each in _actions(org, request, owner) if each["name"] == name and each["urls"]]
        if not found:
            raise NotFound
        self.entry = found[0]
        self.tree = _stored(org, owner).get(name, {})
        self.target = text(self.tree, "targetObject") or CREATES.get(name, ("", "", owner or ""))[2]

    @property
    def fields(self) -> list[str]:
        sobject = dml.sobject_of(self.org, self.target, self.request)
        columns = each(child(self.tree, "quickActionLayout"), "quickActionLayoutColumns")
        laid_out = [
            name
            for column in columns
            for item in each(column, "quickActionLayoutItems")
            for name in texts(item, "field")
        ]
        named = [field.name for field in sobject.fields.values() if field.name_field and field.createable]
        wanted = laid_out or FIELDS.get(sobject.name) or (*named, "OwnerId")
        return [field.name for name in wanted if (field := sobject.field(name))]

    def defaults(self, context: str | None = None) -> dict[str, Any]:
        """The values that the form begins with."""
        sobject = dml.sobject_of(self.org, self.target, self.request)
        values: dict[str, Any] = {}
        for name in self.fields:
            field = sobject.fields[name.lower()]
            chosen = next((value.value for value in field.picklist if value.default), None)
            values[name] = self.request.user_id if name == "OwnerId" else chosen
        if context:
            for name in ("WhatId", "WhoId", text(self.tree, "targetParentField") or ""):
                field_or_none = sobject.field(name)
                owner = self.org.schema.by_prefix(context[:3])
                if name in values and field_or_none and owner and owner.name in field_or_none.reference_to:
                    values[name] = dml.same_id(context)
                    break
        return {"attributes": {"type": sobject.name}, **values}

    def describe(self) -> dict[str, Any]:
        items = [{"label": name, "field": name} for name in self.fields]
        return {
            "accessLevelRequired": None,
            "canvasApplicationId": None,
            "canvasApplicationName": None,
            "colors": [],
            "contextSobjectType": None,
            "defaultValues": None,
            "flowDevName": text(self.tree, "flowDefinition"),
            "flowRecordIdVar": None,
            "height": None,
            "iconName": None,
            "iconUrl": None,
            "icons": [],
            "label": self.entry["label"],
            "layout": {
                "layoutRows": [{"layoutItems": [item], "numItems": 1} for item in items],
                "name": None,
            },
            "lightningComponentBundleId": None,
            "lightningComponentBundleName": None,
            "lightningComponentQualifiedName": None,
            "miniIconUrl": None,
            "mobileExtensionDisplayMode": None,
            "mobileExtensionId": None,
            "name": self.name,
            "showQuickActionLcHeader": False,
            "showQuickActionVfHeader": False,
            "targetParentField": text(self.tree, "targetParentField"),
            "targetRecordTypeId": None,
            "targetSobjectType": self.target,
            "type": self.entry["type"],
            "visualforcePageName": text(self.tree, "page"),
            "visualforcePageUrl": None,
            "width": None,
        }

    def run(self) -> dict[str, Any]:
        """Create or update the row of the form; the ids it touched."""
        body = self.request.json
        if not isinstance(body, dict):
            raise ApiError("The request body must be an object", code="JSON_PARSER_ERROR")
        context = str(body.get("contextId") or "")
        fields = dml.record_fields(body.get("record") or {})
        with dml.transaction_of(self.org, self.request) as transaction:
            if self.entry["type"] == "Update":
                transaction.update(self.target, context, fields)
                record_id = dml.same_id(context)
            else:
                given = {
                    key: value for key, value in self.defaults(context or None).items() if value is not None
                }
                given.pop("attributes")
                record_id = transaction.insert(self.target, {**given, **fields})
        return {
            "contextId": dml.same_id(context) if context else None,
            "created": self.entry["type"] != "Update",
            "errors": [],
            "feedItemIds": None,
            "ids": [record_id],
            "success": True,
            "successMessage": None,
        }


@route("GET", "/quickActions/{name}", lacks=LACKS)
def read_global_action(org: EmulatedOrg, request: Request, name: str) -> Reply:
    """One global action, described."""
    return ok(_Action(org, request, None, name).describe())


@route("POST", "/quickActions/{name}", lacks=LACKS)
def use_global_action(org: EmulatedOrg, request: Request, name: str) -> Reply:
    """Use a global action."""
    return ok(_Action(org, request, None, name).run(), 201)


@route("GET", "/quickActions/{name}/describe", lacks=LACKS)
def describe_global_action(org: EmulatedOrg, request: Request, name: str) -> Reply:
    """One global action, described."""
    return ok(_Action(org, request, None, name).describe())


@route("GET", "/quickActions/{name}/defaultValues", lacks=LACKS)
def global_default_values(org: EmulatedOrg, request: Request, name: str) -> Reply:
    """What the form of a global action begins with."""
    return _defaults(_Action(org, request, None, name))


@route("GET", "/quickActions/{name}/defaultValues/{context}", lacks=LACKS)
def global_default_values_for(org: EmulatedOrg, request: Request, name: str, context: str) -> Reply:
    """What the form begins with when it is used on a row."""
    return _defaults(_Action(org, request, None, name), context)


@route("GET", "/sobjects/{sobject}/quickActions/{name}", lacks=LACKS)
def read_object_action(org: EmulatedOrg, request: Request, sobject: str, name: str) -> Reply:
    """One action of an object, described."""
    return ok(_of(org, request, sobject, name).describe())


@route("POST", "/sobjects/{sobject}/quickActions/{name}", lacks=LACKS)
def use_object_action(org: EmulatedOrg, request: Request, sobject: str, name: str) -> Reply:
    """Use an action of an object."""
    return ok(_of(org, request, sobject, name).run(), 201)


@route("GET", "/sobjects/{sobject}/quickActions/{name}/describe", lacks=LACKS)
def describe_object_action(org: EmulatedOrg, request: Request, sobject: str, name: str) -> Reply:
    """One action of an object, described."""
    return ok(_of(org, request, sobject, name).describe())


@route("GET", "/sobjects/{sobject}/quickActions/{name}/defaultValues", lacks=LACKS)
def object_default_values(org: EmulatedOrg, request: Request, sobject: str, name: str) -> Reply:
    """What the form of an object's action begins with."""
    return _defaults(_of(org, request, sobject, name))


@route("GET", "/sobjects/{sobject}/quickActions/{name}/defaultValues/{context}", lacks=LACKS)
def object_default_values_for(
    org: EmulatedOrg, request: Request, sobject: str, name: str, context: str
) -> Reply:
    """What the form begins with when it is used on a row."""
    return _defaults(_of(org, request, sobject, name), context)


def _defaults(action: _Action, context: str | None = None) -> Reply:
    what = f"defaults {action.target} {action.name} {context}"
    return versioned(action.org, action.request, what, lambda: action.defaults(context))


def _of(org: EmulatedOrg, request: Request, sobject: str, name: str) -> _Action:
    return _Action(org, request, dml.sobject_of(org, sobject, request).name, name)


def described(org: EmulatedOrg, request: Request, full_name: str) -> dict[str, Any]:
    """The describe of `NewTask` or `Account.NewContact`, as SOAP names actions. Raises NOT_FOUND."""
    owner, _, name = full_name.rpartition(".")
    action = _of(org, request, owner, name) if owner else _Action(org, request, None, name)
    return {**action.describe(), "actionEnumOrId": action.entry["actionEnumOrId"]}
