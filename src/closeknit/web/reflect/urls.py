from django.urls import path

from . import views

urlpatterns = [
    path("reflect/", views.reflect, name="reflect"),
    path("library/", views.library, name="library"),
    path("library/<slug:name>/", views.lesson, name="lesson"),
    path("library/<slug:name>/keep/", views.lesson_keep, name="lesson-keep"),
    path("evidence/", views.evidence, name="evidence"),
]
