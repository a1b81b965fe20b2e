"""Answers that any view may give instead of its own: locked, and too many tries."""

from __future__ import annotations

import re
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def wants_json(request: HttpRequest) -> bool:
    """Whether the page's script asked, rather than a person's browser."""
    return request.headers.get("Accept", "").startswith("application/json")


_PAGE_BEHIND = re.compile(r"^(/b/[^/]+/(?:[md]/[^/]+/|[a-z]+/)?|/join/[^/]+/|/you/(?:[a-z-]+/)*|/bonds/new/|/kit/)")


def page_behind(path: str) -> str:
    """The page that a form belongs to: where to go back to after a POST could not be carried out."""
    match = _PAGE_BEHIND.match(path)
    return match.group(1) if match else "/"


def locked_page(request: HttpRequest, *, kept: bool = False) -> HttpResponse:
    """The locked page, in place of whatever was asked for; a fragment tells the whole page to lock."""
    back = request.path if request.method == "GET" else page_behind(request.path)
    if wants_json(request):
        return JsonResponse({"locked": True}, status=423)
    if request.headers.get("HX-Request") or request.headers.get("X-Poke"):
        response = HttpResponse(status=423)
        response["HX-Redirect"] = f"/unlock/?next={quote(back)}"
        return response
    from .forms import UnlockForm

    context = {
        "form": UnlockForm(request=request),
        "next": back,
        "kept": kept,
        "minutes": getattr(request.user, "lock_minutes", None),
    }
    return render(request, "members/locked.html", context, status=403)


def too_many_page(request: HttpRequest, seconds: int) -> HttpResponse:
    """429 with the time to wait, in words."""
    response = render(request, "errors/429.html", {"seconds": seconds, "minutes": -(-seconds // 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def tampered_page(request: HttpRequest) -> HttpResponse:
    """Something in the database is not what a member sealed there. Nothing of it is shown."""
    typed = {"text": request.POST["text"]} if request.POST.get("text") else {}
    html = render_to_string("errors/tampered.html", {"typed": typed})
    return HttpResponse(html, status=409)
