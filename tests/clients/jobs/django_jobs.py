"""django-salesforce, as it is, over TLS: the 83 live tests that its wheel brings, each a job of its own."""

import os
import sys
import unittest
from typing import Any

from jobs import FOLDER, ask, job, rows

SETTINGS = """
from salesforce.testrunner.settings import *
import os
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "salesforce": {
        "ENGINE": "salesforce.backend",
        "CONSUMER_KEY": os.environ["ORG_CLIENT_ID"],
        "CONSUMER_SECRET": os.environ["ORG_CLIENT_SECRET"],
        "USER": os.environ["ORG_USERNAME"],
        "PASSWORD": os.environ["ORG_PASSWORD"],
        "HOST": os.environ["ORG_URL"],
        "TEST": {"DEPENDENCIES": [], "MIGRATE": False},
    },
}
"""


def second_user() -> None:
    """The suite wants one active user besides its own, as any real org has."""
    profile = rows("SELECT Id FROM Profile WHERE Name = 'Standard User'")[0]["Id"]
    locale = {"TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "LanguageLocaleKey": "en_US"}
    name = {
        "Username": "second@x.example",
        "LastName": "Second",
        "Email": "second@x.example",
        "Alias": "second",
    }
    ask("sobjects/User", {**name, **locale, "EmailEncodingKey": "UTF-8", "ProfileId": profile})


def main() -> None:
    second_user()
    (FOLDER / "strangers_settings.py").write_text(SETTINGS)
    sys.path.insert(0, str(FOLDER))
    os.environ["DJANGO_SETTINGS_MODULE"] = "strangers_settings"
    import django
    from django.conf import settings
    from django.test.utils import get_runner

    django.setup()
    runner: Any = get_runner(settings)(verbosity=0, interactive=False)
    suite = runner.build_suite(["salesforce.tests.test_integration"])
    runner.setup_test_environment()
    kept = runner.setup_databases()
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    told = {str(each): text for each, text in result.errors + result.failures}

    def report() -> None:
        assert not told, "; ".join(f"{name}: {text.strip().splitlines()[-1]}" for name, text in told.items())

    job(f"its live tests: {result.testsRun} run, {len(result.skipped)} skipped", report)
    runner.teardown_databases(kept)


if __name__ == "__main__":
    main()
