"""Which addresses a token may go to."""

import pytest

from reconciler.model.errors import AuthenticationFailed
from reconciler.org.addresses import login_audience, org_address, org_address_from_sign_in
from reconciler.org.ids import is_record_id, long_id


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com:443/services/x", "https://acme.my.salesforce.com"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_org_is_reached_over_https_or_on_this_machine(url: str, address: str) -> None:
    assert org_address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.my.salesforce.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "acme.my.salesforce.com",
        "https://",
        "https://ada:canary@acme.my.salesforce.com",
        "https://acme.my.salesforce.com:port",
        "",
    ],
)
def test_any_other_address_is_refused_and_not_quoted_with_its_password(url: str) -> None:
    with pytest.raises(AuthenticationFailed) as refused:
        org_address(url)
    assert "canary" not in str(refused.value)


def test_a_sign_in_may_lead_to_the_host_asked_or_to_salesforce_and_nowhere_else() -> None:
    asked = "https://login.salesforce.com"
    assert (
        org_address_from_sign_in("https://acme.my.salesforce.com", asked) == "https://acme.my.salesforce.com"
    )
    assert (
        org_address_from_sign_in("https://127.0.0.1:9/services", "https://127.0.0.1:8")
        == "https://127.0.0.1:9"
    )
    for elsewhere in (
        "https://evil.example",
        "https://salesforce.com.evil.example",
        "https://evilsalesforce.com",
    ):
        with pytest.raises(AuthenticationFailed, match="not Salesforce's"):
            org_address_from_sign_in(elsewhere, asked)


@pytest.mark.parametrize(
    ("login", "audience"),
    [
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://x-dev-ed.scratch.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme-dev-ed.develop.my.salesforce.com", "https://login.salesforce.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_a_jwt_is_meant_for_the_login_host_that_goes_with_the_org(login: str, audience: str) -> None:
    assert login_audience(login) == audience


@pytest.mark.parametrize(
    ("short", "long"), [("001000000000001", "001000000000001AAA"), ("00D000000000062", "00D000000000062EAA")]
)
def test_an_id_has_a_long_form(short: str, long: str) -> None:
    assert long_id(short) == long == long_id(long)
    assert is_record_id(short)
    assert is_record_id(long)


@pytest.mark.parametrize("text", [None, 1, "", "001", "00100000000000!", "001000000000001AA"])
def test_other_text_is_no_id(text: object) -> None:
    assert not is_record_id(text)
