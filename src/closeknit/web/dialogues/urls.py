from django.urls import path

from . import views

B = "b/<uuid:bond_id>/"
D = B + "d/<uuid:dialogue_id>/"

urlpatterns = [
    path(B + "talk/", views.talk, name="talk"),
    path(B + "talk/history/", views.history, name="talk-history"),
    path(B + "talk/check/", views.check, name="talk-check"),
    path(B + "talk/start/<slug:mark>/", views.start, name="talk-start"),
    path(D, views.dialogue, name="dialogue"),
    path(D + "accept/", views.accept, name="dialogue-accept"),
    path(D + "not-now/", views.not_now, name="dialogue-not-now"),
    path(D + "ready/", views.ready, name="dialogue-ready"),
    path(D + "begin/", views.begin, name="dialogue-begin"),
    path(D + "come-in/", views.come_in, name="dialogue-come-in"),
    path(D + "do/", views.do, name="dialogue-do"),
    path(D + "wish/", views.wish, name="dialogue-wish"),
    path(D + "rest/", views.rest, name="dialogue-rest"),
    path(D + "end/", views.end, name="dialogue-end"),
    path(D + "leave/", views.leave, name="dialogue-leave"),
    path(D + "own/", views.own, name="dialogue-own"),
    path(D + "hold/", views.hold, name="dialogue-hold"),
    path(D + "after/", views.after, name="dialogue-after"),
    path(D + "agree/", views.agree, name="dialogue-agree"),
    path(D + "keep/", views.keep, name="dialogue-keep"),
    path(D + "take-back/<uuid:item_id>/", views.take_back, name="dialogue-take-back"),
    path(D + "time/", views.calendar, name="dialogue-calendar"),
]
