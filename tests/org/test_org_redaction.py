"""What looks like a credential does not get through; ordinary text does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.org import redact
from reconciler.org.redaction import excerpt

CANARY = "CaNaRy0123456789abcdef"
SHAPES = [
    f"00D000000000001!AQ.{CANARY}",
    f"00D000000000001AAA!AQ.{CANARY}.x_y",
    f"sid=00D000000000001%21AQ.{CANARY}",
    f"eyJhbGciOiJSUzI1NiJ9.{CANARY}.{CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"authorization: OAuth {CANARY}",
    f"'Authorization': 'Basic {CANARY}=='",
    f"Bearer {CANARY}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    f"force://PlatformCLI::{CANARY}@acme.my.salesforce.com",
    f"5Aep861{CANARY}",
    f"<sessionId>{CANARY}</sessionId>",
    f"<urn:password>{CANARY}</urn:password>",
    f'{{"access_token": "{CANARY}"}}',
    f'{{"accessToken":"{CANARY}"}}',
    f"grant_type=password&client_secret={CANARY}&username=ada",
    f"refresh_token={CANARY}",
    f"http://proxy:{CANARY}@proxy.example:3128/",
    f"Name: data value too large: {CANARY} (max length=3)",
]


@pytest.mark.parametrize("text", SHAPES, ids=lambda text: text.split(CANARY)[0])
def test_a_credential_is_cut_out_and_the_text_around_it_stays(text: str) -> None:
    shown = redact(f"before {text} after")
    assert CANARY not in shown
    assert shown.startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "No such column 'Tier__c' on entity 'Account'.",
        "Your password has expired",
        "invalid_grant: authentication failure",
        "expired access/refresh token",
        "Account 001000000000001AAA of org 00D000000000001EAA",
        "https://acme--uat.sandbox.my.salesforce.com/services/data/v60.0",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_secret_without_a_shape_is_cut_out_by_value() -> None:
    assert redact("user ada, pass hunter2!", ["hunter2!", ""]) == "user ada, pass (redacted)"


@given(st.text(max_size=300))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.text(), st.integers(1, 100))
def test_an_excerpt_is_one_line_within_its_limit(text: str, limit: int) -> None:
    shown = excerpt(text, limit=limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
