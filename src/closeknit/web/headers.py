"""Headers that every answer carries, and the check of where a request comes from."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        "accelerometer",
        "autoplay",
        "browsing-topics",
        "camera",
        "display-capture",
        "fullscreen",
        "geolocation",
        "gyroscope",
        "hid",
        "idle-detection",
        "local-fonts",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)
PERMISSIONS += ", publickey-credentials-create=(self), publickey-credentials-get=(self)"


class HeadersMiddleware:
    """Outermost, so that error pages have the headers too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if foreign(request):
            response: HttpResponseBase = HttpResponse(
                _("This address is not for other sites."), status=403, content_type="text/plain"
            )
        else:
            response = self.get_response(request)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not settings.CK_DEMO:
            response.headers.setdefault("X-Frame-Options", "DENY")
        if not request.path.startswith(settings.STATIC_URL):
            response.headers["Cache-Control"] = "no-store"
            response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
        return response


def foreign(request: HttpRequest) -> bool:
    """Whether another site's page made the browser ask, in a way that no link would.

    Source: Fetch Metadata. A link followed to us is a navigation by GET and welcome; anything else from another site
    is refused. Browsers that send no such headers are held by the CSRF check and SameSite cookies.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site in {"same-origin", "none"}:
        return False
    if settings.CK_DEMO and site == "same-site":
        return False
    navigation = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method in {"GET", "HEAD"}
    embedded = request.headers.get("Sec-Fetch-Dest") in {"object", "embed", "iframe", "frame"}
    return not (navigation and not embedded)
