from django.urls import path

from . import views

urlpatterns = [
    path("b/<uuid:bond_id>/land/", views.land, name="land"),
    path("land/", views.land_alone, name="land-alone"),
    path("coach/", views.about, name="coach"),
    path("coach/off/", views.off, name="coach-off"),
    path("rehearse/", views.rehearsals, name="rehearsals"),
    path("rehearse/<slug:name>/", views.rehearse, name="rehearse"),
]
