"""The passphrase again, before what cannot be undone or what would hurt in the wrong hands."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from . import services
from .keys import keys_of
from .middleware import typed_fields

View = Callable[..., HttpResponseBase]


def stepped_up(view: View) -> View:
    """Ask for the passphrase first, unless it was typed again within the last five minutes.

    A form that comes later than that loses nothing: what was typed is kept and offered back.
    """

    @login_required
    @wraps(view)
    def asks(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        keys = keys_of(request)
        keys.need  # noqa: B018  (a locked session unlocks first)
        if keys.is_confirmed:
            return view(request, *args, **kwargs)
        if request.method == "POST":
            services.dropped_save(request, keys, request.path, typed_fields(request))
        return redirect(f"{reverse('confirm')}?{urlencode({'next': request.path})}")

    return asks
