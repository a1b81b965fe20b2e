"""The demo's own addresses. In no other mode does any of this exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port

FRONT = "demo.localhost"


def host_name(request: HttpRequest) -> str:
    """The host asked for, without its port."""
    return split_domain_port(request.get_host())[0]


class DemoHosts:
    """Adds the demo's addresses to the product's. Stands before KeyringMiddleware, see `process_view`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.CK_DEMO:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = host_name(request)
        if name == FRONT:
            request.urlconf = "closeknit.web.demo.front_urls"
        elif name.endswith(f".{FRONT}"):
            request.urlconf = "closeknit.web.demo.phone_urls"
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Entering opens a locked phone again, so it comes before the page that stands in front of a locked session."""
        from .views import enter

        return view(request, *args, **kwargs) if view is enter else None
