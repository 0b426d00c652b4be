"""The way to an org: signing in, sending, and judging what an answer means.

All that knows HTTP, simple-salesforce or a secret's clear value lives here. The layers above see
`OrgClient` and outcomes; a lost answer to a write is `Unknown`, never an exception and never
re-sent. Third-party libraries are imported inside functions, so that importing this package is free.
"""

from .client import SalesforceOrg, connect, connect_emulated
from .redaction import redact
from .secrets import EnvSecret, FileSecret, KeyringSecret, SecretReference, SecretText, read_secret
from .sign_in import (
    AccessTokenSignIn,
    ClientCredentialsSignIn,
    JwtSignIn,
    PasswordSignIn,
    SfCliSignIn,
    SignIn,
)
from .wire import Patience, Timeouts

__all__ = [
    "AccessTokenSignIn",
    "ClientCredentialsSignIn",
    "EnvSecret",
    "FileSecret",
    "JwtSignIn",
    "KeyringSecret",
    "PasswordSignIn",
    "Patience",
    "SalesforceOrg",
    "SecretReference",
    "SecretText",
    "SfCliSignIn",
    "SignIn",
    "Timeouts",
    "connect",
    "connect_emulated",
    "read_secret",
    "redact",
]
