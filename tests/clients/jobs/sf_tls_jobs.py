"""The sf CLI over TLS: the sign-in that wants an address with `https://`."""

import os

from jobs import ORG_ID, URL, USERNAME, count, equal, job
from sf_jobs import prepare, sf


def login() -> None:
    """By an address of the form `force://`, which sf always makes `https://` of."""
    prepare()
    path = os.environ["SFDX_URL_FILE"]
    told = sf("org", "login", "sfdx-url", "--sfdx-url-file", path, "--alias", "emu", org=False)
    equal((told["username"], told["orgId"], told["instanceUrl"].rstrip("/")), (USERNAME, ORG_ID, URL))


def query() -> None:
    equal(sf("data", "query", "--query", "SELECT Id FROM User")["totalSize"], count("User"))


if __name__ == "__main__":
    job("org login sfdx-url", login)
    job("data query", query)
