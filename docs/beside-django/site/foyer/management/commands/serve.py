"""All that a demonstration needs of Django, in one process: its tables, its user, its pages on a free port."""

import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.core.wsgi import get_wsgi_application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def end_with_owner():
    """Whoever has started this holds the other end of standard input, and is gone when that closes."""
    sys.stdin.read()
    os._exit(0)


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args, **options):
        threading.Thread(target=end_with_owner, daemon=True).start()
        call_command("migrate", verbosity=0, interactive=False)
        User = get_user_model()
        if not User.objects.exists():
            User.objects.create_user(os.environ["VISITOR"], password=os.environ["VISITOR_PASSWORD"])
        with make_server("127.0.0.1", 0, get_wsgi_application(), server_class=Server) as server:
            # The one line of standard output: what is logged goes to standard error.
            print(server.server_port, flush=True)
            server.serve_forever()
