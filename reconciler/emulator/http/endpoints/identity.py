"""Who the caller is: the identity address and OpenID's userinfo.

Source: Salesforce Help, "Identity URLs" and "UserInfo Endpoint"; keys as recorded.
"""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Reply, Request, ok, text_reply
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.org import EmulatedOrg

ADDRESSES = {
    "enterprise": "/services/Soap/c/{version}/ORG",
    "metadata": "/services/Soap/m/{version}/ORG",
    "partner": "/services/Soap/u/{version}/ORG",
    "rest": "/services/data/v{version}/",
    "sobjects": "/services/data/v{version}/sobjects/",
    "search": "/services/data/v{version}/search/",
    "query": "/services/data/v{version}/query/",
    "recent": "/services/data/v{version}/recent/",
    "tooling_soap": "/services/Soap/T/{version}/ORG",
    "tooling_rest": "/services/data/v{version}/tooling/",
    "profile": "/USER",
    "feeds": "/services/data/v{version}/chatter/feeds",
    "groups": "/services/data/v{version}/chatter/groups",
    "users": "/services/data/v{version}/chatter/users",
    "feed_items": "/services/data/v{version}/chatter/feed-items",
    "feed_elements": "/services/data/v{version}/chatter/feed-elements",
    "custom_domain": "",
}
"""`{version}` stays for the client to fill in."""


def _session(org: EmulatedOrg, request: Request) -> sessions.Session | Reply:
    authorization = request.headers.find("authorization")
    given = request.params.get("oauth_token") or request.params.get("access_token", "")
    try:
        token = given or sessions.bearer_token(authorization)
        return sessions.resume(org, token, api=False)
    except ApiError:
        text = "Bad_OAuth_Token" if authorization or given else "Missing_OAuth_Token"
        return text_reply(403, text, "text/html;charset=UTF-8")


def _urls(org: EmulatedOrg, request: Request, user_id: str) -> dict[str, str]:
    return {
        name: request.base_url + path.replace("ORG", org.org_id[:15]).replace("USER", user_id)
        for name, path in ADDRESSES.items()
    }


def _offset_ms(org: EmulatedOrg, zone: str) -> int:
    """Of standard time, as Salesforce gives it."""
    try:
        start = datetime.fromtimestamp(org.clock.now_ms() / 1000, UTC).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return 0
    offset, saving = start.utcoffset(), start.dst()
    return int(((offset.total_seconds() if offset else 0) - (saving.total_seconds() if saving else 0)) * 1000)


def _user(org: EmulatedOrg, user_id: str) -> dict[str, Any]:
    return org.retrieve("User", user_id, None, version="64.0")


@route("GET", "/services/oauth2/userinfo", family=Family.IDENTITY)
def userinfo(org: EmulatedOrg, request: Request) -> Reply:
    """The caller, in OpenID's words. 403 and plain text for a bad token."""
    session = _session(org, request)
    if isinstance(session, Reply):
        return session
    user = _user(org, session.user_id)
    base, zone = request.base_url, user.get("TimeZoneSidKey") or "GMT"
    photo = f"{base}/profilephoto/005"
    return ok(
        {
            "sub": f"{base}/id/{org.org_id}/{session.user_id}",
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "preferred_username": user["Username"],
            "nickname": user.get("CommunityNickname"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "zoneinfo": zone,
            "photos": {"picture": f"{photo}/F", "thumbnail": f"{photo}/T"},
            "profile": f"{base}/{session.user_id}",
            "picture": f"{photo}/F",
            "address": {},
            "is_salesforce_integration_user": False,
            "urls": _urls(org, request, session.user_id),
            "active": True,
            "user_type": (user.get("UserType") or "Standard").upper(),
            "language": user.get("LanguageLocaleKey") or "en_US",
            "locale": user.get("LocaleSidKey") or "en_US",
            "utcOffset": _offset_ms(org, zone),
            "updated_at": (user.get("LastModifiedDate") or "")[:19] + "Z",
        }
    )


@route("POST", "/services/oauth2/userinfo", family=Family.IDENTITY)
def userinfo_by_post(org: EmulatedOrg, request: Request) -> Reply:
    """As by GET."""
    return userinfo(org, request)


@route("GET", "/id/{org_id}/{user_id}", family=Family.IDENTITY)
def identity(org: EmulatedOrg, request: Request, org_id: str, user_id: str) -> Reply:
    """The caller, in Salesforce's words; only his own identity."""
    session = _session(org, request)
    if isinstance(session, Reply):
        return session
    if org_id[:15] != org.org_id[:15] or user_id[:15] != session.user_id[:15]:
        return text_reply(403, "Wrong_Org", "text/html;charset=UTF-8")
    user = _user(org, session.user_id)
    base, zone = request.base_url, user.get("TimeZoneSidKey") or "GMT"
    photo = f"{base}/profilephoto/005"
    urls = _urls(org, request, session.user_id)
    return ok(
        {
            "id": f"{base}/id/{org.org_id}/{session.user_id}",
            "asserted_user": True,
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "username": user["Username"],
            "nick_name": user.get("CommunityNickname"),
            "display_name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "first_name": user.get("FirstName"),
            "last_name": user.get("LastName"),
            "timezone": zone,
            "photos": {"picture": f"{photo}/F", "thumbnail": f"{photo}/T"},
            "addr_street": user.get("Street"),
            "addr_city": user.get("City"),
            "addr_state": user.get("State"),
            "addr_country": user.get("Country"),
            "addr_zip": user.get("PostalCode"),
            "mobile_phone": user.get("MobilePhone"),
            "mobile_phone_verified": False,
            "status": {"created_date": None, "body": None},
            "urls": urls,
            "active": True,
            "user_type": (user.get("UserType") or "Standard").upper(),
            "language": user.get("LanguageLocaleKey") or "en_US",
            "locale": user.get("LocaleSidKey") or "en_US",
            "utcOffset": _offset_ms(org, zone),
            "last_modified_date": user.get("LastModifiedDate"),
            "is_app_installed": True,
        }
    )
