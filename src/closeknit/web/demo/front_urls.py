"""The addresses of the demo's own host: the page with both phones, in front of the rest."""

from __future__ import annotations

from django.urls import path

from . import phone_urls, views

urlpatterns = [
    path("", views.front, name="home"),
    path("demo/demo.css", views.style, name="demo-style"),
    *phone_urls.urlpatterns,
]

handler400 = phone_urls.handler400
handler403 = phone_urls.handler403
handler404 = phone_urls.handler404
handler500 = phone_urls.handler500
