"""The sign-in part of the partner and enterprise SOAP APIs.

Source: SOAP API Developer Guide, "login()", "logout()", "getUserInfo()", "getServerTimestamp()",
"setPassword()"; elements as recorded.
"""

from collections.abc import Callable

from reconciler.emulator.http import sessions, soapform
from reconciler.emulator.http.endpoints.passwords import change_password, known_user
from reconciler.emulator.http.endpoints.replication import stamp
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.http.soapform import SoapCall, SoapRefusal, element
from reconciler.emulator.org import EmulatedOrg

LOGIN_FAILED = "Invalid username, password, security token; or user locked out."
ILLEGAL_SESSION = "Invalid Session ID found in SessionHeader: Illegal Session"
LACKS = ["all operations but login, logout, getUserInfo, getServerTimestamp, setPassword"]
Operation = Callable[[EmulatedOrg, Request, SoapCall], str]


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


def _session(org: EmulatedOrg, call: SoapCall) -> sessions.Session:
    try:
        return sessions.resume(org, call.session_id)
    except sessions.InvalidSession as error:
        raise SoapRefusal("INVALID_SESSION_ID", ILLEGAL_SESSION) from error


def _logout(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    sessions.end_session(org, _session(org, call).token)
    return ""


def _get_user_info(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    return f"<result>{_user_info(org, _session(org, call).user_id)}</result>"


def _get_server_timestamp(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    _session(org, call)
    moment = stamp(org.clock.now_ms()).replace("+0000", "Z")
    return f"<result>{element('timestamp', moment)}</result>"


def _set_password(org: EmulatedOrg, request: Request, call: SoapCall) -> str:
    session = _session(org, call)
    wanted = known_user(org, call.arguments.get("userId", ""), by=session.user_id)
    change_password(org, wanted, call.arguments.get("password", ""), session=session.token)
    return "<result/>"


OPERATIONS: dict[str, Operation] = {
    "login": _login,
    "logout": _logout,
    "getUserInfo": _get_user_info,
    "getServerTimestamp": _get_server_timestamp,
    "setPassword": _set_password,
}


def _answer(org: EmulatedOrg, request: Request) -> Reply:
    call = soapform.parse(request.body)
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        raise SoapRefusal("UNKNOWN_EXCEPTION", f"No operation available for request {call.operation}")
    return soapform.reply(request, call.operation, operation(org, request, call))


@route("POST", "/services/Soap/u/{api}", family=Family.SOAP, lacks=LACKS)
def partner(org: EmulatedOrg, request: Request, api: str) -> Reply:
    """One operation of the partner API."""
    return _answer(org, request)


@route("POST", "/services/Soap/u/{api}/{org_id}", family=Family.SOAP, lacks=LACKS)
def partner_of_org(org: EmulatedOrg, request: Request, api: str, org_id: str) -> Reply:
    """As above, at the address that login answered."""
    return _answer(org, request)


@route("POST", "/services/Soap/c/{api}", family=Family.SOAP, lacks=LACKS)
def enterprise(org: EmulatedOrg, request: Request, api: str) -> Reply:
    """One operation of the enterprise API."""
    return _answer(org, request)


@route("POST", "/services/Soap/c/{api}/{org_id}", family=Family.SOAP, lacks=LACKS)
def enterprise_of_org(org: EmulatedOrg, request: Request, api: str, org_id: str) -> Reply:
    """As above, at the address that login answered."""
    return _answer(org, request)
