from django.urls import path

from . import views

urlpatterns = [
    path("you/export/", views.export, name="export"),
    path("you/import/", views.bring, name="import"),
    path("you/words/", views.words, name="words"),
    path("you/words/<uuid:word_id>/delete/", views.word_delete, name="word-delete"),
]
