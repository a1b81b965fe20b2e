"""The baseline: django-eventstream as its manual sets it up, without storage, without a permission check, and a poke.

    /events/?channel=<name>                       a stream
    /bench/poke?<name>&v<nanoseconds>             publish in this process
"""

from __future__ import annotations

from django.conf import settings

settings.configure(
    SECRET_KEY="only-for-a-measurement-on-this-machine",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_eventstream"],
    MIDDLEWARE=[],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    LOGGING_CONFIG=None,
    USE_TZ=True,
)

from django.core.asgi import get_asgi_application  # noqa: E402

application = get_asgi_application()

from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django_eventstream import send_event  # noqa: E402


async def poke(request: HttpRequest) -> HttpResponse:
    """Publish; async, so that no thread stands between."""
    name, stamp = request.META["QUERY_STRING"].split("&")
    send_event(name, "message", stamp)
    return HttpResponse(b"")


urlpatterns = [path("events/", include("django_eventstream.urls")), path("bench/poke", poke)]
