"""The product's addresses with the demo's in front; DemoHosts chooses these by the host asked for."""

from __future__ import annotations

from django.urls import include, path

from closeknit.web.urls import handler400, handler403, handler404, handler500

from . import views

urlpatterns = [
    path("", views.front, name="home"),
    path("demo/demo.css", views.style, name="demo-style"),
    path("demo/enter/<slug:username>/", views.enter, name="demo-enter"),
    path("", include("closeknit.web.urls")),
]

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
