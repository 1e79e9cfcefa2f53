"""Django as the judge: reads a line of JSON, does what it says with Django's own session store and middleware, answers a line.

The first line is the site's settings. An exception is an answer, too: {"error": "Type: text"}.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import django
import pymysql
from django.conf import settings

pymysql.install_as_MySQLdb()
given = json.loads(sys.stdin.readline())
settings.configure(
    SECRET_KEY=given["secret_key"],
    SECRET_KEY_FALLBACKS=given.get("fallbacks", []),
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    DATABASES={"default": given["database"]},
    CACHES={"default": given["cache"]} if given.get("cache") else {},
    SESSION_ENGINE=given["engine"],
    SESSION_FILE_PATH=given.get("file_path"),
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    ALLOWED_HOSTS=["*"],
)
django.setup()

from importlib import import_module  # noqa: E402

from django.contrib import auth  # noqa: E402
from django.contrib.auth.middleware import AuthenticationMiddleware  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.middleware import SessionMiddleware  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import RequestFactory  # noqa: E402

SessionStore = import_module(settings.SESSION_ENGINE).SessionStore


def migrate():
    call_command("migrate", verbosity=0, interactive=False)


def adduser(pk, password):
    user = User(pk=pk, username=f"user{pk}")
    user.set_password(password)
    user.save()
    return {"password": user.password}


def password(pk, password):
    """A new password, and what the column holds then."""
    user = User.objects.get(pk=pk)
    user.set_password(password)
    user.save()
    return {"password": user.password}


def write(data, key=None, expiry=None):
    """Puts JSON text's values into a session, new or known, and saves it."""
    session = SessionStore(key)
    for name, value in json.loads(data).items():
        session[name] = value
    if expiry is not None:
        session.set_expiry(expire(expiry))
    session.save()
    return {"key": session.session_key}


def expire(expiry):
    if "at" in expiry:
        return datetime.fromtimestamp(expiry["at"], timezone.utc)
    if "in" in expiry:
        return timedelta(seconds=expiry["in"])
    return expiry["seconds"]


def read(key):
    session = SessionStore(key)
    data = dict(session.items())
    return {
        "known": session.session_key is not None,
        "data": json.dumps(data),
        "age": session.get_expiry_age(),
        "closes": session.get_expire_at_browser_close(),
    }


def exists(key):
    """Whether there is a row, a file or a value, whatever its end."""
    return {"exists": SessionStore().exists(key)}


def flush(key):
    session = SessionStore(key)
    session.load()
    session.flush()


def cycle(key):
    session = SessionStore(key)
    session.load()
    session.cycle_key()
    session.save()
    return {"key": session.session_key}


def clear():
    SessionStore.clear_expired()


def request(cookie, login=None, logout=False, put=None):
    """One request through the middleware: who is logged in, what the answer tells the browser."""
    seen = {}

    def view(request):
        if login is not None:
            auth.login(request, User.objects.get(pk=login))
        if logout:
            auth.logout(request)
        for name, value in (put or {}).items():
            request.session[name] = value
        seen["user"] = request.user.pk
        seen["data"] = {name: value for name, value in request.session.items() if not name.startswith("_")}
        return HttpResponse("")

    request = RequestFactory().get("/")
    if cookie is not None:
        request.COOKIES[settings.SESSION_COOKIE_NAME] = cookie
    response = SessionMiddleware(AuthenticationMiddleware(view))(request)
    told = response.cookies.get(settings.SESSION_COOKIE_NAME)
    seen["cookie"] = None if told is None else told.value
    return seen


def bump(key, name, times):
    """As many saves as asked, each of one more: what Django's own requests would do."""
    for _ in range(times):
        session = SessionStore(key)
        session[name] = session.get(name, 0) + 1
        session.save()


COMMANDS = [migrate, adduser, password, write, read, exists, flush, cycle, clear, request, bump]

print(json.dumps({"django": django.get_version()}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    command = {command.__name__: command for command in COMMANDS}[asked.pop("do")]
    try:
        answer = command(**asked) or {}
    except Exception as error:  # The other side judges it.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
