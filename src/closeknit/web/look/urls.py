from django.urls import path

from . import views

urlpatterns = [
    path("host-can-see/", views.about_host, name="about-host"),
    path("style/", views.style, name="style"),
]
