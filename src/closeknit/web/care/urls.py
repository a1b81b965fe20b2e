from django.urls import path

from . import views

urlpatterns = [
    path("care/", views.care, name="care"),
    path("care/two-weeks/", views.two_weeks, name="care-two-weeks"),
    path("leave/", views.leave, name="leave"),
    path("notes/", views.left, name="leave-left"),
]
