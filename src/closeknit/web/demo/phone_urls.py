"""A phone's addresses: the product's, and the way in."""

from __future__ import annotations

from django.urls import include, path

from . import views

urlpatterns = [
    path("demo/enter/<slug:username>/", views.enter, name="demo-enter"),
    path("", include("closeknit.web.urls")),
]

handler400 = "closeknit.web.errors.bad_request"
handler403 = "closeknit.web.errors.permission_denied"
handler404 = "closeknit.web.errors.not_found"
handler500 = "closeknit.web.errors.server_error"
