"""The partner and enterprise SOAP APIs: their addresses, signing in, users and their passwords.

What is done with rows and describes is in `partner_rows` and `partner_describes`.

Source: SOAP API Developer Guide, "login()", "logout()", "getUserInfo()", "getServerTimestamp()",
"setPassword()", "resetPassword()", "sendEmail()"; elements as recorded.
"""

import secrets
from xml.etree.ElementTree import Element

from reconciler.emulator.errors import NotFound
from reconciler.emulator.http import sessions, soapform
from reconciler.emulator.http.endpoints import partner_describes, partner_rows
from reconciler.emulator.http.endpoints.partner_calls import Call, Operation, limit_header, signed_in
from reconciler.emulator.http.endpoints.passwords import change_password, known_user
from reconciler.emulator.http.endpoints.replication import stamp
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.http.soap_records import texts, tree
from reconciler.emulator.http.soapform import SoapCall, SoapRefusal, element
from reconciler.emulator.org import EmulatedOrg

LOGIN_FAILED = "Invalid username, password, security token; or user locked out."
LACKS = [
    "process, performQuickActions, renderEmailTemplate",
    "describes of approvals, soft phones, list views, nouns, paths, and of the layouts of quick actions",
    "findDuplicates and findDuplicatesByIds find none",
    "sendEmail sends nothing",
]


def _login(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    user = sessions.find_user(org, call.arguments.get("username", ""))
    password = call.arguments.get("password", "")
    if user is None or not user.may_sign_in or not sessions.check_password(org, user.id, password):
        raise SoapRefusal("INVALID_LOGIN", LOGIN_FAILED)
    if not sessions.may_use_api(org, user.id):
        raise SoapRefusal("API_CURRENTLY_DISABLED", "API is disabled for this User")
    token = sessions.open_session(org, user.id)
    kind, version = _address(request)
    base = f"{request.base_url}/services/Soap"
    org_id = org.org_id[:15]
    parts = [
        element("metadataServerUrl", f"{base}/m/{version}/{org_id}"),
        element("passwordExpired", False),
        element("sandbox", False),
        element("serverUrl", f"{base}/{kind}/{version}/{org_id}"),
        element("sessionId", token),
        element("userId", user.id),
        f"<userInfo>{_user_info(org, user.id)}</userInfo>",
    ]
    return f"<result>{''.join(parts)}</result>"


def _address(request: Request) -> tuple[str, str]:
    kind, version = request.path.removeprefix("/services/Soap/").split("/")[:2]
    return kind, version


def _user_info(org: EmulatedOrg, user_id: str) -> str:
    user = org.retrieve("User", user_id, None, version="64.0")
    organization = org.retrieve("Organization", org.org_id, ["Name"], version="64.0")
    values = {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": "$",
        "orgAttachmentFileSizeLimit": 26_214_400,
        "orgDefaultCurrencyIsoCode": "USD",
        "orgDefaultCurrencyLocale": "en_US",
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": False,
        "organizationId": org.org_id,
        "organizationMultiCurrency": False,
        "organizationName": organization["Name"],
        "profileId": user.get("ProfileId"),
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": sessions.SESSION_SECONDS,
        "userDefaultCurrencyIsoCode": None,
        "userEmail": user.get("Email"),
        "userFullName": user.get("Name"),
        "userId": user_id,
        "userLanguage": user.get("LanguageLocaleKey") or "en_US",
        "userLocale": user.get("LocaleSidKey") or "en_US",
        "userName": user["Username"],
        "userTimeZone": user.get("TimeZoneSidKey") or "GMT",
        "userType": user.get("UserType") or "Standard",
        "userUiSkin": "Theme3",
    }
    return "".join(element(name, value) for name, value in values.items())


def _logout(call: Call) -> str:
    sessions.end_session(call.org, call.soap.session_id)
    return ""


def _invalidate_sessions(call: Call) -> str:
    results = []
    for token in call.texts("sessionIds"):
        ended = sessions.end_session(call.org, token)
        problem = {"message": "Invalid session id", "statusCode": "INVALID_SESSION_ID"}
        errors = "" if ended else tree({"errors": problem})
        results.append(f"<result>{errors}{element('success', ended)}</result>")
    return "".join(results)


def _get_user_info(call: Call) -> str:
    return f"<result>{_user_info(call.org, call.request.user_id)}</result>"


def _get_server_timestamp(call: Call) -> str:
    moment = stamp(call.org.clock.now_ms()).replace("+0000", "Z")
    return f"<result>{element('timestamp', moment)}</result>"


def _set_password(call: Call) -> str:
    _change(call, _user_named(call), call.text("password"))
    return "<result/>"


def _user_named(call: Call) -> str:
    """The user of `userId`. Raises a fault of the WSDL, which has no NOT_FOUND; its text is not verified."""
    try:
        return known_user(call.org, call.text("userId"), by=call.request.user_id)
    except NotFound as error:
        raise SoapRefusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from error


def _change(call: Call, user_id: str, password: str) -> None:
    change_password(call.org, user_id, password, session=call.soap.session_id)


def _change_own_password(call: Call) -> str:
    user = call.request.user_id
    if not sessions.check_password(call.org, user, call.text("oldPassword")):
        raise SoapRefusal("INVALID_OLD_PASSWORD", "invalid old password")
    _change(call, user, call.text("newPassword"))
    return "<result/>"


def _reset_password(call: Call) -> str:
    made = secrets.token_hex(4) + "a1"
    _change(call, _user_named(call), made)
    return f"<result>{element('password', made)}</result>"


ADDRESSEES = ("toAddresses", "ccAddresses", "bccAddresses", "targetObjectId", "targetObjectIds")


def _send_email(call: Call) -> str:
    """Nothing is sent; a message to nobody is refused as Salesforce refuses it."""
    return "".join(_sent(each) for each in call.named("messages"))


def _sent(message: Element) -> str:
    if any(text for name in ADDRESSEES for text in texts(message, name)):
        return f"<result>{element('success', True)}</result>"
    problem = {
        "message": "Missing targetObjectId or toAddresses",
        "statusCode": "REQUIRED_FIELD_MISSING",
        "targetObjectId": None,
    }
    return f"<result>{tree({'errors': problem})}{element('success', False)}</result>"


def _find_duplicates(call: Call) -> str:
    """No duplicate rule is active, so none are found: one result a record."""
    asked = call.named("sObjects") or call.named("ids")
    return f"<result>{element('success', True)}</result>" * len(asked)


OPERATIONS: dict[str, Operation] = {
    "changeOwnPassword": _change_own_password,
    "findDuplicates": _find_duplicates,
    "findDuplicatesByIds": _find_duplicates,
    "getServerTimestamp": _get_server_timestamp,
    "getUserInfo": _get_user_info,
    "invalidateSessions": _invalidate_sessions,
    "logout": _logout,
    "resetPassword": _reset_password,
    "sendEmail": _send_email,
    "setPassword": _set_password,
    **partner_describes.OPERATIONS,
    **partner_rows.OPERATIONS,
}
"""Those of a user who is signed in."""


LAST_LOGIN = 64
"""The newest version with login(). Source: SOAP API Developer Guide, "login()"."""


def _answer(org: EmulatedOrg, request: Request, api: str) -> Reply:
    request.version = soapform.version_of(api)
    soap = soapform.parse(request.body)
    if soap.operation == "login" and request.version_number <= LAST_LOGIN:
        return soapform.reply(request, soap.operation, _login(org, request, soap))
    operation = OPERATIONS.get(soap.operation)
    if operation is None:
        raise soapform.no_operation(soap)
    result = operation(signed_in(org, request, soap))
    return soapform.reply(request, soap.operation, result, header=limit_header(org))


@route("POST", "/services/Soap/u/{api}", family=Family.SOAP, lacks=LACKS)
def partner(org: EmulatedOrg, request: Request, api: str) -> Reply:
    """One operation of the partner API."""
    return _answer(org, request, api)


@route("POST", "/services/Soap/u/{api}/{org_id}", family=Family.SOAP, lacks=LACKS)
def partner_of_org(org: EmulatedOrg, request: Request, api: str, org_id: str) -> Reply:
    """As above, at the address that login answered."""
    return _answer(org, request, api)


@route("POST", "/services/Soap/c/{api}", family=Family.SOAP, lacks=LACKS)
def enterprise(org: EmulatedOrg, request: Request, api: str) -> Reply:
    """One operation of the enterprise API."""
    return _answer(org, request, api)


@route("POST", "/services/Soap/c/{api}/{org_id}", family=Family.SOAP, lacks=LACKS)
def enterprise_of_org(org: EmulatedOrg, request: Request, api: str, org_id: str) -> Reply:
    """As above, at the address that login answered."""
    return _answer(org, request, api)
