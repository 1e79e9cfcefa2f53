"""What Django still serves. `/cart` and all below it is none of its business any more."""

import django
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.urls import path

from foyer import views



def form(title):
    return {"template_name": "foyer/form.html", "extra_context": {"title": title, "version": django.get_version()}}


urlpatterns = [
    path("", views.home),
    path("add/", views.add),
    path("login/", LoginView.as_view(**form("Log in"))),
    path("logout/", LogoutView.as_view()),
    path("password/", PasswordChangeView.as_view(**form("Change your password"), success_url="/")),
]
