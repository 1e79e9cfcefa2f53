"""The foyer: who is there, what they carry, what their session holds."""

import json
import os

import django
from django.contrib import messages
from django.http import HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

GOODS = ["Programme", "Opera glasses", "Lemonade", "Pralines"]


@require_GET
def home(request):
    held = [(name, json.dumps(value)) for name, value in request.session.items()]
    context = {
        "goods": GOODS,
        "cart": request.session.get("cart", {}),
        "held": held,
        "version": django.get_version(),
        "visitor": os.environ["VISITOR"],
        "visitor_password": os.environ["VISITOR_PASSWORD"],
    }
    return render(request, "foyer/home.html", context)


@require_POST
def add(request):
    good = request.POST.get("good")
    if good not in GOODS:
        return HttpResponseBadRequest("There is no such good.")
    cart = request.session.get("cart", {})
    cart[good] = cart.get(good, 0) + 1
    request.session["cart"] = cart
    messages.success(request, f"{good}: in the cart, says Django.")
    return redirect("/")
