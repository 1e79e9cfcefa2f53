"""The site that src/sites.rs describes, in Django, on the threaded server of `manage.py runserver`.

    django_site.py db FILE
    django_site.py cache REDIS_URL

Prints Django's version and the site's address, and ends when its standard input does.
"""

import logging
import os
import sys
import threading

import django
from django.conf import settings
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path


class Gate:
    """Where handlers wait for each other, so that requests overlap whatever the machine is doing."""

    def __init__(self):
        self.changed = threading.Condition()
        self.waiting = 0
        self.openings = 0

    def wait(self, request):
        """Waits, if the request's query asks for that."""
        if "wait" not in request.GET:
            return
        with self.changed:
            before = self.openings
            self.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.openings > before)

    def is_reached_by(self, number):
        """Whether so many wait; answers when they do, or after as long as in src/gate.rs."""
        with self.changed:
            return self.changed.wait_for(lambda: self.waiting >= number, timeout=20)

    def open(self):
        with self.changed:
            self.waiting = 0
            self.openings += 1
            self.changed.notify_all()


gate = Gate()


def login(request):
    # What django.contrib.auth.login does to a session, without a table of users.
    request.session.cycle_key()
    request.session["user"] = "alice"
    return HttpResponse()


def logout(request):
    # What django.contrib.auth.logout does.
    request.session.flush()
    return HttpResponse()


def set_name(request, name):
    request.session.get("user")
    gate.wait(request)
    request.session[name] = True
    return HttpResponse()


def count(request):
    request.session.get("user")
    gate.wait(request)
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse()


def all_names(request):
    return JsonResponse(dict(request.session.items()))


def reached(request, number):
    return HttpResponse(status=200 if gate.is_reached_by(number) else 408)


def open_gate(request):
    gate.open()
    return HttpResponse()


urlpatterns = [
    path("login", login),
    path("logout", logout),
    path("set/<name>", set_name),
    path("count", count),
    path("all", all_names),
    path("gate", open_gate),
    path("gate/<int:number>", reached),
]


def configure(engine, place):
    configuration = {
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "INSTALLED_APPS": ["django.contrib.sessions"],
        # Of its log only failures are wanted: that a late request is refused is none.
        "LOGGING_CONFIG": None,
        "MIDDLEWARE": ["django.contrib.sessions.middleware.SessionMiddleware"],
        "ROOT_URLCONF": __name__,
        "SECRET_KEY": "nothing here is secret",
        "SESSION_ENGINE": f"django.contrib.sessions.backends.{engine}",
    }
    if engine == "db":
        configuration["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": place}}
    else:
        backend = "django.core.cache.backends.redis.RedisCache"
        configuration["CACHES"] = {"default": {"BACKEND": backend, "LOCATION": place}}
    settings.configure(**configuration)
    logging.getLogger("django").setLevel(logging.ERROR)


def end_with_standard_input():
    sys.stdin.read()
    os._exit(0)


def main():
    engine, place = sys.argv[1:]
    configure(engine, place)
    application = get_wsgi_application()
    if engine == "db":
        call_command("migrate", verbosity=0)
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(application)
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    print(django.get_version(), f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
