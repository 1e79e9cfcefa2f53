"""Django's own session tests, from the folder `tests` of its source, with cloakroom as the store.

A line of JSON comes in: that folder (`tests`), the `worker`, `use_tz`, and where sessions are Django's as well, its `database` and `cache`.
Cloakroom's settings are the environment's. A line says which Django it is, and one for each test: its name, and `ok`, `fail` or
`skip` with the reason.
"""

import json
import os
import sys
import unittest

import django
import django.test
import pymysql
from django.conf import settings

pymysql.install_as_MySQLdb()
given = json.loads(sys.stdin.readline())
settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    INSTALLED_APPS=["django.contrib.sessions", "sessions_tests"],
    DATABASES={"default": given.get("database") or {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    CACHES={"default": given.get("cache") or {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
    SESSION_ENGINE="store",
    CLOAKROOM_WORKER=given["worker"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=given["use_tz"],
    TIME_ZONE="UTC",
)
sys.path.insert(0, given["tests"])
django.setup()
django.test.utils.setup_test_environment()
# What the worker stores has to be seen here, and what is stored here there: not after the test's transaction, if ever.
django.test.TestCase = django.test.TransactionTestCase

import store  # noqa: E402
from asgiref.sync import sync_to_async  # noqa: E402
from django.contrib.sessions.backends import cache, db  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.management import call_command  # noqa: E402
from sessions_tests import tests  # noqa: E402

ENGINE, IS_DJANGOS = os.environ["SESSION_ENGINE"], os.environ["SESSION_FORMAT"] == "django"
HAS_ROWS = IS_DJANGOS and ENGINE in ("db", "cached_db")


class SessionTests(tests.SessionTestsMixin, django.test.SimpleTestCase):
    """What holds for any store."""


class ClearedHere(tests.DatabaseSessionTests):
    """Django's own rows, and the commands that clear them."""

    class Backend(db.SessionStore):
        clear_expired = store.SessionStore.clear_expired

        @classmethod
        async def aclear_expired(cls):
            await sync_to_async(cls.clear_expired)()

    backend = Backend
    session_engine = "store"


ENDED = "cloakroom keeps no session that has ended, so there is one row from the start: ClearedHere has Django's rows"
PYTHON = "it is about code of Django's that has no part in this"
EMPTY = "it is empty in Django"

# What is not run, and why: the one list of it.
LEFT_OUT = {
    tests.DatabaseSessionTests: {"test_clearsessions_command": ENDED, "test_aclear_expired": ENDED},
    tests.CacheSessionTests: {"test_non_default_cache": PYTHON},
    tests.CacheDBSessionTests: {
        "test_exists_searches_cache_first": "it counts Django's queries, and there are none",
        "test_non_default_cache": PYTHON,
        "test_cache_set_failure_non_fatal": PYTHON,
        "test_cache_async_set_failure_non_fatal": PYTHON,
    },
    tests.FileSessionTests: {
        "test_configuration_check": PYTHON,
        "test_invalid_key_backslash": PYTHON,
        "test_invalid_key_forwardslash": PYTHON,
        "test_clearsessions_command": "it counts a session that has ended, in a folder that the worker was not told of",
    },
    tests.CookieSessionTests: {
        "test_save": EMPTY,
        "test_save_async": EMPTY,
        "test_cycle": EMPTY,
        "test_cycle_async": EMPTY,
        "test_actual_expiry_async": EMPTY,
        "test_unpickling_exception": PYTHON,
    },
    tests.SessionMiddlewareTests: {},
}
if not HAS_ROWS:
    LEFT_OUT[tests.SessionMiddlewareTests]["test_empty_session_saved"] = "it looks for Django's row"
if ENGINE == "signed_cookies":
    reason = "a cookie that somebody has kept is as good as ever"
    LEFT_OUT[tests.SessionMiddlewareTests]["test_session_update_error_redirect"] = reason


class Lines(unittest.TestResult):
    """A line for each test; what a failure is about goes to the standard error."""

    def line(self, test, outcome):
        print(f"{type(test).__name__}.{test._testMethodName}", outcome, flush=True)

    def addSuccess(self, test):
        self.line(test, "ok")

    def addUnexpectedSuccess(self, test):
        # What Django's engine can't do and says so: an expiry of a cookie's own.
        self.line(test, "ok")

    def addSkip(self, test, reason):
        self.line(test, f"skip {reason}")

    def addExpectedFailure(self, test, err):
        self.addFailure(test, err)

    def addFailure(self, test, err):
        self.failures.append(test)
        print(self._exc_info_to_string(err, test), file=sys.stderr)
        self.line(test, "fail") if isinstance(test, unittest.TestCase) else print(test, "fail", flush=True)

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(test, err)


def suite():
    """The tests that Django has for such a store, and those of the requests that use it.

    Its other classes have a table with a column of the site's own, a store that can't clear, or none.
    """
    # Where they look for what it has stored.
    store.SessionStore.get_model_class = classmethod(lambda cls: Session)
    store.SessionStore.cache_key = property(lambda self: cache.KEY_PREFIX + self.session_key)
    store.SessionStore.acache_key = sync_to_async(lambda self: self.cache_key)
    tests.DatabaseSession = store.SessionStore
    own = {
        "db": tests.DatabaseSessionTests,
        "cached_db": tests.CacheDBSessionTests,
        "cache": tests.CacheSessionTests,
        "file": tests.FileSessionTests,
        "signed_cookies": tests.CookieSessionTests,
    }
    of_store = own[ENGINE] if IS_DJANGOS or ENGINE == "signed_cookies" else SessionTests
    of_store.backend = store.SessionStore
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    chosen = [*load(of_store), *load(tests.SessionMiddlewareTests)]
    if HAS_ROWS:
        chosen += [ClearedHere(name) for name in LEFT_OUT[tests.DatabaseSessionTests] if hasattr(ClearedHere, name)]
    return chosen


print("django", django.get_version(), flush=True)
result = Lines()
if HAS_ROWS:
    call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
for test in suite():
    left_out = LEFT_OUT.get(type(test), {}).get(test._testMethodName)
    if left_out:
        result.addSkip(test, left_out)
    else:
        test(result)
sys.exit(bool(result.failures))
