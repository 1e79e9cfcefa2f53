"""What the service in Rust must agree with stands first: docs/beside-django.md has both sides in one table."""

import os

SECRET_KEY = os.environ["SECRET_KEY"]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "sessionid"
SESSION_COOKIE_AGE = 1_209_600
SESSION_COOKIE_SAMESITE = "Lax"
# Both are reached by plain http here.
SESSION_COOKIE_SECURE = False
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
USE_TZ = True

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["SITE_DATABASE"],
        # Two programs write to it: who is to write waits for its turn at the beginning, not when it has read already.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}

# Both lie in the session: what the other side has to leave alone.
CSRF_USE_SESSIONS = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "foyer.urls"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
LOGIN_URL = "/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "foyer",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
