"""Taking everything along, bringing words from elsewhere, and the private part where they are."""

from __future__ import annotations

import uuid
import weakref
from datetime import date

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from closeknit.web import clock
from closeknit.web.bonds import private
from closeknit.web.bonds.access import bonds_of
from closeknit.web.bonds.models import Item
from closeknit.web.members import record
from closeknit.web.members.keys import keys_of
from closeknit.web.members.queries import profile_of
from closeknit.web.members.stepup import stepped_up
from closeknit.web.moments.queries import moments_of
from closeknit.web.sealed.kinds import Reading
from closeknit.web.tasks import checkpoint_soon

from . import services
from .copying import Slot, copy
from .opening import NotUsable
from .paper import kind_label
from .telling import counted, told, where_it_is


@stepped_up
@require_http_methods(["GET", "POST"])
def export(request: HttpRequest) -> HttpResponseBase:
    """Says what a copy holds; then sends it."""
    if request.method == "POST":
        return _download(request)
    moments = sum(moments_of(one).count() for one in bonds_of(request))
    context = {"moments": moments, "words": Item.objects.filter(author=request.user).count()}
    return render(request, "taking/export.html", context)


def _download(request: HttpRequest) -> HttpResponseBase:
    keys = keys_of(request)
    reading = Reading(request.user, keys.need, bonds_of(request))
    zone = profile_of(keys, request.user).tzinfo
    slot = Slot.take()
    if slot is None:
        busy = render(request, "taking/export_busy.html", status=429)
        busy["Retry-After"] = "60"
        return busy
    try:
        record.note(request.user, keys.need, record.What.EXPORTED)
        body = copy(reading, zone, translation.get_language() or "en")
        response = StreamingHttpResponse(body, content_type="application/zip")
    except BaseException:
        slot.release()
        raise
    # Given back when the body is closed; and, should something drop the answer before that, when it is forgotten.
    response._resource_closers.append(slot.release)
    weakref.finalize(response, slot.release)
    name = "notes" if request.user.discreet else "closeknit"
    day = clock.now().astimezone(zone).date().isoformat()
    response["Content-Disposition"] = f'attachment; filename="{name}-{day}.zip"'
    # A proxy that gathers large answers in files would put all of it on its disk, readable.
    response["X-Accel-Buffering"] = "no"
    return response


class FileForm(forms.Form):
    """A copy, as it was downloaded."""

    file = forms.FileField(
        label=_("The ZIP file"),
        error_messages={"required": _("Choose the file first."), "empty": _("This file is empty. Choose another.")},
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
    )


@stepped_up
@require_http_methods(["GET", "POST"])
def bring(request: HttpRequest) -> HttpResponse:
    """Look at a file first; bring what is in it only after a yes."""
    keyring = keys_of(request).need
    if request.method == "POST" and request.POST.get("do") == "bring":
        return _brought(request)
    if request.method == "POST" and request.POST.get("do") == "away":
        services.throw_away(request.user)
        checkpoint_soon()
        return redirect("import")
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            services.look(request.user, keyring, file.file, file.size)
        except NotUsable as problem:
            form.add_error("file", problem.says)
        else:
            return redirect("import")
    return _import_page(request, form, status=422 if form.errors else 200)


def _import_page(request: HttpRequest, form: FileForm, status: int = 200, *, changed: bool = False) -> HttpResponse:
    keys = keys_of(request)
    waiting = services.waiting(request.user, keys.need)
    context: dict[str, object] = {"form": form, "waiting": waiting, "changed": changed}
    if waiting is not None:
        context |= {**told(waiting), "zone": profile_of(keys, request.user).tzinfo}
    return render(request, "taking/import.html", context, status=status)


def _brought(request: HttpRequest) -> HttpResponse:
    """Bring what waits, and say what came. Nothing of that is kept for another page, nor in an address."""
    try:
        came = services.bring(request.user, keys_of(request).need)
    except services.NoRoom:
        return _import_page(request, FileForm(), status=409, changed=True)
    checkpoint_soon()
    if not came:
        return redirect("import")
    return render(request, "taking/brought.html", {"kinds": counted(came), **where_it_is(came)})


@login_required
@require_GET
def words(request: HttpRequest) -> HttpResponse:
    """The private part: words that belong to no bond, or no longer to one."""
    keys = keys_of(request)
    keyring = keys.need
    # Somebody whose place in a bond was ended meanwhile finds their words here at once.
    bonds_of(request)
    page, month = _page(request), _month(request)
    shown, more = private.words_read(request.user.pk, keyring, page, month)
    if page > 1 and not shown:
        raise Http404
    context = {
        "words": [(one, kind_label(one.kind)) for one in shown],
        "more": more,
        "page_number": page,
        "month": month,
        "months": private.words_months(request.user.pk),
        "zone": profile_of(keys, request.user).tzinfo,
    }
    return render(request, "taking/words.html", context)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    if not (text.isdecimal() and text.isascii() and len(text) < 6 and int(text) > 0):
        raise Http404
    return int(text)


def _month(request: HttpRequest) -> date | None:
    if "month" not in request.GET:
        return None
    try:
        return date.fromisoformat(f"{request.GET['month']}-01")
    except ValueError:
        raise Http404 from None


@login_required
@require_POST
def word_delete(request: HttpRequest, word_id: uuid.UUID) -> HttpResponse:
    """Delete one of them for good."""
    keys_of(request).need  # noqa: B018  (a locked session unlocks first)
    if not private.word_delete(request.user.pk, word_id):
        raise Http404
    checkpoint_soon()
    return redirect("words")
