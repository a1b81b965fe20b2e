"""Pages for the pictures of one journal entry."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from closeknit.web.bonds import private
from closeknit.web.members.keys import keys_of
from closeknit.web.members.queries import profile_of
from closeknit.web.tasks import checkpoint_soon

from . import gallery, images
from .forms import PictureForm
from .journal import JOURNAL

WHY = {
    "kind": gettext_lazy("This is no JPEG, PNG or WebP picture. Save it as one of these, or choose another."),
    "size": gettext_lazy("This picture is larger than 12 MB, or stays too large. A smaller copy of it will do."),
    "pixels": gettext_lazy("This picture has more pixels than fit here. A smaller copy of it will do."),
    "broken": gettext_lazy("This picture does not open; perhaps it is not whole. Choose another, or save it anew."),
    "busy": gettext_lazy("Another picture is being worked on at this moment. Choose yours again in a few seconds."),
    "full": gettext_lazy("An entry has room for six pictures. Take one away first, or begin another entry."),
}


@login_required
@require_http_methods(["GET", "POST"])
def pictures(request: HttpRequest, word_id: uuid.UUID) -> HttpResponse:
    """The pictures of an entry of mine: add one, take one away."""
    keys = keys_of(request)
    keyring = keys.need
    entry = private.word_read(request.user.pk, keyring, word_id)
    if entry is None or entry.kind != JOURNAL:
        raise Http404
    if request.method == "POST" and request.POST.get("gone"):
        try:
            gallery.picture_delete(request.user, word_id, uuid.UUID(request.POST["gone"]))
        except ValueError:
            raise Http404 from None
        checkpoint_soon()
        return redirect("pictures", word_id)
    form = PictureForm(request.POST, request.FILES) if request.method == "POST" else PictureForm()
    if request.method == "POST" and form.is_valid():
        try:
            made = images.made_safe(form.cleaned_data["file"].read())
            gallery.picture_keep(keyring, request.user, word_id, made, form.cleaned_data["says"])
        except images.Unusable as error:
            form.add_error("file", WHY[error.why])
        except gallery.Full:
            form.add_error("file", WHY["full"])
        else:
            return redirect("pictures", word_id)
    found = gallery.pictures_of(keyring, request.user, [word_id]).get(word_id, [])
    context = {"entry": entry, "form": form, "pictures": found, "room": len(found) < gallery.MOST}
    context["zone"] = profile_of(keys, request.user).tzinfo
    return render(request, "reflect/pictures.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def picture(request: HttpRequest, word_id: uuid.UUID, picture_id: uuid.UUID) -> HttpResponse:
    """One picture's bytes, opened for its owner and kept by no cache."""
    keyring = keys_of(request).need
    row = gallery.picture_read(request.user, word_id, picture_id)
    if row is None:
        raise Http404
    answer = HttpResponse(gallery.picture_bytes(keyring, row), content_type="image/jpeg")
    answer["Content-Disposition"] = 'inline; filename="picture.jpg"'
    return answer
