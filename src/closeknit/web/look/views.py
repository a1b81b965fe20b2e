"""Pages about Closeknit itself, and the style page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

THREADS = ("madder", "woad", "weld", "moss", "plum", "teal", "walnut", "slate")


@require_safe
def about_host(request: HttpRequest) -> HttpResponse:
    """What the host of this machine can see, in plain words."""
    return render(request, "about/host.html")


class Sample(forms.Form):
    """One field of each kind, for the style page."""

    line = forms.CharField(label="A line", help_text="What it is for.")
    words = forms.CharField(label="Words", widget=forms.Textarea)
    phrase = forms.CharField(label="Passphrase", widget=forms.PasswordInput(attrs={"data-passphrase": ""}))
    one = forms.ChoiceField(label="One of these", choices=[("a", "This"), ("b", "That")], widget=forms.RadioSelect)
    many = forms.ChoiceField(label="From a list", choices=[("a", "Here"), ("b", "There")])
    yes = forms.BooleanField(label="A yes", required=False, help_text="And what it means.")


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Every component in every state; in debug and in tests."""
    if not settings.CK_STYLE_PAGE:
        raise Http404
    context: dict[str, Any] = {
        "threads": THREADS,
        "empty_form": Sample(auto_id="empty_%s"),
        "form": Sample({"line": ""}, auto_id="wrong_%s"),
        "rings": [THREADS[:n] for n in (1, 2, 3, 5, 8)],
    }
    return render(request, "look/style.html", context)
