"""Answers that any view may give instead of its own: locked, and too many tries."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render


def wants_json(request: HttpRequest) -> bool:
    """Whether the page's script asked, rather than a person's browser."""
    return request.headers.get("Accept", "").startswith("application/json")


def safe_next(request: HttpRequest, path: str) -> str:
    """`path` if it is a path of ours, else the front page."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def locked_page(request: HttpRequest) -> HttpResponse:
    """The locked page, in place of whatever was asked for; a fragment tells the whole page to lock."""
    back = request.path if request.method == "GET" else safe_next(request, request.POST.get("back", request.path))
    if wants_json(request):
        return JsonResponse({"locked": True}, status=423)
    if request.headers.get("HX-Request") or request.headers.get("X-Poke"):
        response = HttpResponse(status=423)
        response["HX-Redirect"] = f"/unlock/?next={back}"
        return response
    from .forms import UnlockForm

    context = {
        "form": UnlockForm(request=request),
        "next": back,
        "kept": request.method == "POST",
        "minutes": getattr(request.user, "lock_minutes", None),
    }
    return render(request, "members/locked.html", context, status=403)


def too_many_page(request: HttpRequest, seconds: int) -> HttpResponse:
    """429 with the time to wait, in words."""
    response = render(request, "errors/429.html", {"seconds": seconds, "minutes": -(-seconds // 60)}, status=429)
    response["Retry-After"] = str(seconds)
    return response
