from django.urls import path

from . import album, journal, ladders, own, views, worries

urlpatterns = [
    path("reflect/", views.reflect, name="reflect"),
    path("reflect/journal/", journal.journal, name="journal"),
    path("reflect/write/", journal.write, name="write"),
    path("reflect/write/draft/", journal.write_draft, name="write-draft"),
    path("reflect/write/<uuid:word_id>/", journal.rewrite, name="rewrite"),
    path("reflect/pictures/<uuid:word_id>/", album.pictures, name="pictures"),
    path("reflect/pictures/<uuid:word_id>/<uuid:picture_id>/", album.picture, name="picture"),
    path("reflect/take/", journal.take, name="take"),
    path("reflect/ladders/", ladders.ladders, name="ladders"),
    path("reflect/ladders/<uuid:sheet_id>/", ladders.ladder, name="ladder"),
    path("reflect/ladders/<uuid:sheet_id>/do/", ladders.ladder_do, name="ladder-do"),
    path("reflect/ladders/<uuid:sheet_id>/<uuid:rung_id>/", ladders.rung, name="rung"),
    path("reflect/fears/", worries.worries, name="worries"),
    path("reflect/fears/<uuid:sheet_id>/", worries.worry, name="worry"),
    path("reflect/fears/<uuid:sheet_id>/delete/", worries.worry_delete, name="worry-delete"),
    path("reflect/kindness/", own.kindness, name="kindness"),
    path("reflect/ask/", own.ask, name="ask"),
    path("reflect/outside/", own.rethink, name="rethink"),
    path("reflect/me/", own.me, name="me"),
    path("reflect/around/", own.around, name="around"),
    path("reflect/good/", own.good, name="good"),
    path("library/", views.library, name="library"),
    path("library/<slug:name>/", views.lesson, name="lesson"),
    path("library/<slug:name>/keep/", views.lesson_keep, name="lesson-keep"),
    path("evidence/", views.evidence, name="evidence"),
]
