from django.urls import path

from . import views, views_going

urlpatterns = [
    path("bonds/new/", views.bond_new, name="bond-new"),
    path("b/<uuid:bond_id>/invite/", views.invite, name="invite"),
    path("b/<uuid:bond_id>/invite/<uuid:invitation_id>/recall/", views.invite_recall, name="invite-recall"),
    path("b/<uuid:bond_id>/us/", views.us, name="us"),
    path("join/<uuid:invitation_id>/", views.join, name="join"),
    path("join/<uuid:invitation_id>/accept/", views.join_accept, name="join-accept"),
    path("join/<uuid:invitation_id>/finish/", views.join_finish, name="join-finish"),
    path("join/<uuid:invitation_id>/decline/", views.join_decline, name="join-decline"),
    path("b/<uuid:bond_id>/pause/", views_going.pause, name="pause"),
    path("b/<uuid:bond_id>/go/", views_going.go, name="go"),
    path("b/<uuid:bond_id>/together/", views_going.together, name="together"),
    path("b/<uuid:bond_id>/strict/", views_going.strict, name="strict"),
    path("b/<uuid:bond_id>/words/<uuid:member_id>/", views_going.compare, name="compare"),
    path("you/pause/", views_going.pause_all, name="pause-all"),
    path("you/went/", views_going.went, name="went"),
    path("you/blocked/", views_going.blocked, name="blocked"),
    path("you/delete/", views_going.account_delete, name="account-delete"),
    path("you/keep/", views_going.account_keep, name="account-keep"),
    path("you/keys/", views_going.new_keys, name="new-keys"),
]
