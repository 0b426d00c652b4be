"""The client is what the engine is promised, and importing it loads nothing heavy."""

import inspect
import subprocess
import sys

from reconciler.model.promises import OrgClient
from reconciler.org import SalesforceOrg

HEAVY = (
    "requests",
    "urllib3",
    "simple_salesforce",
    "jwt",
    "cryptography",
    "keyring",
    "concurrent.futures.thread",
)


def test_the_client_has_all_that_is_promised_with_the_same_parameters(org: SalesforceOrg) -> None:
    promised = {name for name in (*vars(OrgClient), *OrgClient.__annotations__) if not name.startswith("_")}
    assert promised <= {*dir(SalesforceOrg), *vars(org)}
    for name in promised:
        if inspect.isfunction(wanted := inspect.getattr_static(OrgClient, name, None)):
            ours = inspect.getattr_static(SalesforceOrg, name)
            assert list(inspect.signature(ours).parameters) == list(inspect.signature(wanted).parameters)


def test_importing_the_package_loads_no_library() -> None:
    code = f"import sys, reconciler.org; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
