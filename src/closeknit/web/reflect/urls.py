from django.urls import path

from . import views

urlpatterns = [
    path("reflect/", views.reflect, name="reflect"),
    path("reflect/write/", views.write, name="write"),
    path("reflect/write/draft/", views.write_draft, name="write-draft"),
    path("reflect/write/<uuid:word_id>/", views.rewrite, name="rewrite"),
    path("library/", views.library, name="library"),
    path("library/<slug:name>/", views.lesson, name="lesson"),
    path("library/<slug:name>/keep/", views.lesson_keep, name="lesson-keep"),
    path("evidence/", views.evidence, name="evidence"),
]
