"""Claims about orgs.yaml: what an org may say, and that no secret stands in it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.model.errors import SpecError
from reconciler.spec.json_schema import json_schema_orgs
from reconciler.spec.nodes import Plain
from reconciler.spec.orgs import SecretRef, find_org, load_orgs

FILE = Path("orgs.yaml")
URL = "url: 'https://acme.my.salesforce.com'"


def refused(folder: Any, org: str) -> list[str]:
    folder.write("orgs.yaml", f"orgs:\n  o: {org}\n")
    with pytest.raises(SpecError) as error:
        load_orgs(FILE)
    return [str(problem) for problem in error.value.problems]


def loaded(folder: Any, org: str) -> Any:
    folder.write("orgs.yaml", f"orgs:\n  o: {org}\n")
    return load_orgs(FILE)["o"]


def test_the_demo_org_exists_without_a_file(folder: Any) -> None:
    orgs = load_orgs(FILE)
    assert list(orgs) == ["demo"]
    assert orgs["demo"].emulated


@pytest.mark.parametrize(
    "way",
    [
        "access_token: {env: T}",
        "jwt: {client_id: c, username: u, key: {file: k.pem}, audience: a}",
        "client_credentials: {client_id: c, client_secret: {keyring: {service: s, username: u}}}",
        "password: {username: u, password: {env: P}, security_token: {env: S}}",
        "sf_cli: alias",
    ],
)
def test_each_way_to_sign_in_is_taken(folder: Any, way: str) -> None:
    org = loaded(folder, f"{{{URL}, sign_in: {{{way}}}, tags: [a], wave: 2, protect: true, concurrency: 25}}")
    assert getattr(org.sign_in, way.split(":")[0]) is not None
    assert (org.tags, org.wave, org.protect, org.concurrency) == (("a",), 2, True, 25)


def test_files_of_an_org_are_beside_orgs_yaml(folder: Any) -> None:
    folder.write(
        "conf/orgs.yaml", "orgs:\n  o: {emulated: true, seed: [data], variables: {t: {file: t.txt}}}\n"
    )
    org = load_orgs(Path("conf/orgs.yaml"))["o"]
    assert org.seed == (folder.path / "conf/data",)
    assert org.secret_variables == {"t": SecretRef(file=str(folder.path / "conf/t.txt"))}


def authority() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme authority")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_the_authorities_of_an_org_are_beside_orgs_yaml(folder: Any) -> None:
    folder.write("conf/ours.pem", "Acme's own authority, since 2019 ü\n" + authority())
    folder.write("conf/orgs.yaml", f"orgs:\n  o: {{{URL}, sign_in: {{sf_cli: a}}, ca_file: ours.pem}}\n")
    assert load_orgs(Path("conf/orgs.yaml"))["o"].ca_file == folder.path / "conf/ours.pem"


@pytest.mark.parametrize(
    ("ca_file", "says", "mend"),
    [
        ("missing.pem", "is no file", "name a file"),
        (".", "is no file", "name a file"),
        ("empty.pem", "holds no certificate in PEM", "openssl x509 -inform der"),
        ("prose.pem", "holds no certificate in PEM", "openssl x509 -inform der"),
        ("cut.pem", "holds no certificate in PEM", "openssl x509 -inform der"),
        ("''", "'ca_file'", ""),
    ],
)
def test_authorities_that_cannot_be_used_are_told_with_their_line(
    folder: Any, ca_file: str, says: str, mend: str
) -> None:
    folder.write("empty.pem", "")
    folder.write("prose.pem", "the certificate is in the safe\n")
    folder.write("cut.pem", authority()[:200])
    folder.write("orgs.yaml", f"orgs:\n  o:\n    {URL}\n    sign_in: {{sf_cli: a}}\n    ca_file: {ca_file}\n")
    with pytest.raises(SpecError) as error:
        load_orgs(FILE)
    (problem,) = error.value.problems
    assert str(problem.where) == "orgs.yaml:5:14"
    assert says in problem.what
    assert mend in (problem.mend or "")


def test_editors_know_the_key_of_authorities() -> None:
    assert "ca_file" in json_schema_orgs()["$defs"]["OrgEntry"]["properties"]


def test_an_emulated_org_has_no_authorities(folder: Any) -> None:
    folder.write("ours.pem", authority())
    (found,) = refused(folder, "{emulated: true, ca_file: ours.pem}")
    assert "is emulated and has 'ca_file'" in found


@pytest.mark.parametrize("host", ["a..b.com", "." * 3, "x" * 64 + ".com"])
def test_a_host_that_no_name_server_could_know_is_refused(folder: Any, host: str) -> None:
    (found,) = refused(folder, f"{{url: 'https://{host}', sign_in: {{sf_cli: a}}}}")
    assert "must be a URL" in found


def test_variables_keep_their_nodes_and_references_become_secrets(folder: Any) -> None:
    org = loaded(folder, "{emulated: true, variables: {n: 5, t: {env: T}, m: {a: b}}}")
    assert org.variables == {"n": "5", "m": {"a": "b"}}
    assert type(org.variables["n"]) is Plain
    assert str(org.variables.value_source("n")) == "orgs.yaml:2:38"
    assert org.secret_variables == {"t": SecretRef(env="T")}


@pytest.mark.parametrize(
    "url", ["http://localhost:1", "http://127.0.0.1:8080", "http://[::1]:9", "https://a.b/"]
)
def test_http_is_for_loopback_addresses(folder: Any, url: str) -> None:
    assert loaded(folder, f"{{url: '{url}', sign_in: {{sf_cli: a}}}}").url == url.rstrip("/")


WRONG = [
    ("{url: 'http://acme.com', sign_in: {sf_cli: a}}", "2:12: 'url' of org o must begin with https"),
    (
        "{url: 'http://127.0.0.1.evil.com', sign_in: {sf_cli: a}}",
        "2:12: 'url' of org o must begin with https",
    ),
    ("{url: 'ftp://x', sign_in: {sf_cli: a}}", "2:12: 'url' of org o must be a URL"),
    ("{url: 'https://u:p@x', sign_in: {sf_cli: a}}", "2:12: 'url' of org o must not hold a user"),
    ("{url: 'https://x/y?z', sign_in: {sf_cli: a}}", "2:12: 'url' of org o must end after the host"),
    (f"{{{URL}}}", "2:3: 'sign_in' is missing in org o"),
    ("{sign_in: {access_token: {env: T}}}", "2:3: 'url' is missing in org o"),
    ("{sign_in: {}}", "2:7: org o has no way to sign in"),
    ("{sign_in: {sf_cli: a, access_token: {env: T}}}", "2:7: org o has 2 ways to sign in"),
    ("{sign_in: {sf_cli: a}, concurency: 3}", "2:29: unknown key 'concurency' in org o"),
    ("{sign_in: {sf_cli: a}, concurrency: 26}", "2:42: 'concurrency' of org o must be at most 25, found"),
    (
        "{sign_in: {sf_cli: a}, concurrency: '5'}",
        "2:42: 'concurrency' of org o must be a whole number, found",
    ),
    ("{sign_in: {sf_cli: a}, protect: yes}", "2:38: 'yes' is true to some YAML readers"),
    ("{sign_in: {sf_cli: a}, tags: prod}", "2:35: 'tags' of org o must be a list, found the text 'prod'"),
    ("{sign_in: {sf_cli: a}, tags: [1]}", "2:36: item 1 of 'tags' of org o must be text, found the number 1"),
    ("{sign_in: {sf_cli: a}, api_version: 62.5}", "2:42: 'api_version' of org o must be a version"),
    ("{sign_in: {sf_cli: a}, seed: [x]}", "2:29: org o is not emulated and has 'seed'"),
    (f"{{emulated: true, {URL}}}", "2:23: org o is emulated and has 'url'"),
    (f"{{{URL}, sign_in: {{jwt: {{client_id: c, username: u, ky: {{env: K}}}}}}}}", "2:89: unknown key 'ky'"),
    (f"{{{URL}, sign_in: {{jwt: {{client_id: c, key: {{env: K}}}}}}}}", "2:56: 'username' is missing in"),
    (
        f"{{{URL}, sign_in: {{access_token: {{env: A, file: b}}}}}}",
        "2:56: 'access_token' must name one place",
    ),
    ("7", "2:3: org o must be a map, found the number 7"),
]


@pytest.mark.parametrize(("org", "what"), WRONG)
def test_a_wrong_org_is_refused_at_its_place(folder: Any, org: str, what: str) -> None:
    found = refused(folder, org)
    assert len(found) == 1, found
    assert found[0].startswith(f"orgs.yaml:{what}")
    assert "\n  mend: " in found[0]


@pytest.mark.parametrize(
    "way",
    [
        "access_token: hunter2",
        "access_token: {env: hunter-2}",
        "password: {username: u, password: hunter2}",
        "client_credentials: {client_id: c, client_secret: [hunter2]}",
        "jwt: {client_id: c, username: u, key: hunter2}",
        "access_token: {value: hunter2}",
    ],
)
def test_a_literal_secret_is_refused_without_being_quoted(folder: Any, way: str) -> None:
    found = refused(folder, f"{{{URL}, sign_in: {{{way}}}}}")
    assert found
    assert "hunter" not in "".join(found)


def test_all_problems_of_the_file_come_in_one_run(folder: Any) -> None:
    folder.write("orgs.yaml", "orgs:\n  a: 1\n  b: {tags: x}\n  bad name: {}\n")
    with pytest.raises(SpecError) as error:
        load_orgs(FILE)
    assert [str(each.where) for each in error.value.problems] == [
        "orgs.yaml:2:3", "orgs.yaml:3:13", "orgs.yaml:4:3",
    ]  # fmt: skip


@pytest.mark.parametrize("content", ["", "org: {}\n", "[]\n", "orgs: x\n", "orgs: {a: {}, a: {}}\n"])
def test_a_file_that_is_no_orgs_yaml_is_refused(folder: Any, content: str) -> None:
    folder.write("orgs.yaml", content)
    with pytest.raises(SpecError):
        load_orgs(FILE)


def test_an_unknown_org_gets_the_nearest_name(folder: Any) -> None:
    with pytest.raises(SpecError) as error:
        find_org(load_orgs(FILE), "dmo")
    assert str(error.value) == "no org is called 'dmo'\n  mend: did you mean 'demo'?"
