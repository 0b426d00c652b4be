"""Signing in with a signed assertion: whose it is, whom it is for, whether it still holds.

The signature is really verified, with the certificates registered for the org. Imported only when
an assertion or a certificate comes, because the cryptography library takes long to load.

Source: Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration". The texts of
other refusals than those of issuer and subject are not verified.
"""

from typing import Any

import jwt
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Request
from reconciler.emulator.http.oauth_errors import OAuthRefusal
from reconciler.emulator.org import EmulatedOrg

AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
"""Besides the address of the org itself."""

LEEWAY_SECONDS = 30


def public_key(pem: bytes) -> RSAPublicKey:
    """The RSA key of a PEM certificate, or of a PEM public key. Raises ValueError for anything else."""
    try:
        if b"BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = load_pem_public_key(pem)  # type: ignore[assignment]  # a wider union of the same key types
    except UnsupportedAlgorithm as error:
        raise ValueError(f"unsupported key: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError("only RSA keys sign JWT assertions")
    return key


def subject(org: EmulatedOrg, request: Request, assertion: str) -> sessions.UserRow:
    """The user an assertion speaks for. Raises `OAuthRefusal`."""
    claims = _verified(org, assertion)
    if claims.get("iss") != org.client_id:
        raise OAuthRefusal("invalid_client_id", "client identifier invalid")
    given = claims.get("aud")
    audiences = given if isinstance(given, list) else [given]
    if not any(str(each).rstrip("/") in (*AUDIENCES, request.base_url) for each in audiences):
        raise OAuthRefusal("invalid_grant", "audience is invalid")
    if _seconds(claims.get("exp")) + LEEWAY_SECONDS < org.clock.now_ms() / 1000:
        raise OAuthRefusal("invalid_grant", "assertion is expired")
    user = sessions.find_user(org, str(claims.get("sub", "")))
    if user is None or not user.may_sign_in:
        raise OAuthRefusal("invalid_grant", "user hasn't approved this consumer")
    return user


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise OAuthRefusal("invalid_grant", "invalid assertion") from error


def _verified(org: EmulatedOrg, assertion: str) -> dict[str, Any]:
    unchecked = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False,
                 "verify_sub": False, "verify_iss": False, "verify_jti": False}  # fmt: skip
    for pem in sessions.certificates(org):
        try:
            return jwt.decode(assertion, public_key(pem), algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]  # a plain dict serves
        except jwt.InvalidSignatureError:
            continue
        except jwt.PyJWTError as error:
            raise OAuthRefusal("invalid_grant", "invalid assertion") from error
    raise OAuthRefusal("invalid_grant", "invalid assertion")
