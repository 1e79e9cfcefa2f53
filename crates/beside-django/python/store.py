"""Django's session store with cloakroom behind it: `SESSION_ENGINE = "store"`.

`CLOAKROOM_WORKER` in Django's settings is the program; where it keeps sessions is set in the environment, which it inherits.
Logins are not for this store: their names are cloakroom's own.
"""

import json
import logging
import math
from datetime import datetime, timezone
from functools import cache
from subprocess import PIPE, Popen
from threading import Lock

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

EXPIRY = "_session_expiry"


class WorkerError(Exception):
    def __init__(self, kind, why):
        super().__init__(f"{kind}: {why}")
        self.kind = kind


class Worker:
    """A process that answers each line with a line."""

    def __init__(self, program):
        self.process = Popen([program], stdin=PIPE, stdout=PIPE, text=True, encoding="utf-8")
        self.turn = Lock()

    def ask(self, do, **what):
        with self.turn:
            print(json.dumps({"do": do, **what}), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        if not line:
            raise WorkerError("Ended", "it has said why on its standard error")
        answer = json.loads(line)
        if answer["error"]:
            raise WorkerError(answer["error"], answer["why"])
        return answer


@cache
def worker():
    return Worker(settings.CLOAKROOM_WORKER)


class SessionStore(SessionBase):
    def load(self):
        answer = worker().ask("load", key=self.session_key)
        self._session_key = answer["key"]
        return joined(answer)

    def exists(self, session_key):
        return session_key is not None and worker().ask("exists", key=session_key)["key"] is not None

    def create(self):
        self._keep("create", self._get_session(no_load=True))
        self.modified = True

    def save(self, must_create=False):
        if must_create and self.exists(self.session_key):
            raise CreateError
        # A key that nothing lives under is not taken from a visitor: there is another.
        if must_create or self.session_key is None:
            self.create()
        else:
            self._keep("save", self._session)

    def cycle_key(self):
        # An unknown key is none as soon as it was looked for.
        data = self._session
        if self.session_key is None:
            self.create()
        else:
            self._keep("cycle", data)
            self.modified = True

    async def acycle_key(self):
        await sync_to_async(self.cycle_key)()

    def delete(self, session_key=None):
        key = session_key or self.session_key
        if key is not None:
            worker().ask("delete", key=key)

    @classmethod
    def clear_expired(cls):
        worker().ask("clear_expired")

    def encode(self, session_dict):
        return worker().ask("encode", **parts(session_dict))["text"]

    def decode(self, session_data):
        try:
            return worker().ask("decode", text=session_data)["data"]
        except WorkerError as error:
            if error.kind != "Corrupt":
                raise
            logging.getLogger("django.security.SuspiciousSession").warning("Session data corrupted: %s", error)
            return {}

    def _keep(self, do, data):
        try:
            self._session_key = worker().ask(do, key=self.session_key, **parts(data))["key"]
        except WorkerError as error:
            raise UpdateError if error.kind == "Interrupted" else error


def parts(data):
    """Django keeps the expiry among the values, cloakroom apart from them."""
    values = {name: value for name, value in data.items() if name != EXPIRY}
    expiry = data.get(EXPIRY)
    if isinstance(expiry, str) and expiry:
        expiry = datetime.fromisoformat(expiry)
    if isinstance(expiry, datetime):
        end = {"at": max(0, round(expiry.timestamp() * 1000))}
    elif expiry == 0:
        end = "browser_close"
    else:
        end = {"after": max(0, math.ceil(expiry * 1000))} if expiry else None
    return {"data": values, "expiry": end}


def joined(answer):
    data, end = answer["data"], answer["expiry"]
    if end == "browser_close":
        data[EXPIRY] = 0
    elif end is not None and "after" in end:
        seconds = end["after"] / 1000
        data[EXPIRY] = int(seconds) if seconds.is_integer() else seconds
    elif end is not None:
        zone = timezone.utc if settings.USE_TZ else None
        data[EXPIRY] = datetime.fromtimestamp(end["at"] / 1000, zone).isoformat()
    return data
