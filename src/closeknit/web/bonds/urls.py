from django.urls import path

from . import views

urlpatterns = [
    path("bonds/new/", views.bond_new, name="bond-new"),
    path("b/<uuid:bond_id>/invite/", views.invite, name="invite"),
    path("b/<uuid:bond_id>/invite/<uuid:invitation_id>/recall/", views.invite_recall, name="invite-recall"),
    path("b/<uuid:bond_id>/us/", views.us, name="us"),
    path("join/<uuid:invitation_id>/", views.join, name="join"),
    path("join/<uuid:invitation_id>/accept/", views.join_accept, name="join-accept"),
    path("join/<uuid:invitation_id>/finish/", views.join_finish, name="join-finish"),
    path("join/<uuid:invitation_id>/decline/", views.join_decline, name="join-decline"),
]
