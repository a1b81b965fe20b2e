from django.urls import path

from . import views

M = "b/<uuid:bond_id>/m/<uuid:moment_id>/"

urlpatterns = [
    path("b/<uuid:bond_id>/", views.today, name="today"),
    path("b/<uuid:bond_id>/prompt/", views.prompt, name="prompt"),
    path("b/<uuid:bond_id>/depth/", views.depth, name="depth"),
    path("b/<uuid:bond_id>/prompts/", views.prompts, name="prompts"),
    path("b/<uuid:bond_id>/prompts/<uuid:prompt_id>/open/", views.prompt_open, name="prompt-open"),
    path("b/<uuid:bond_id>/prompts/<uuid:prompt_id>/delete/", views.prompt_delete, name="prompt-delete"),
    path("b/<uuid:bond_id>/thread/", views.thread, name="thread"),
    path("b/<uuid:bond_id>/thread/search/", views.search, name="search"),
    path(M, views.moment, name="moment"),
    path(M + "share/", views.share, name="share"),
    path(M + "draft/", views.draft, name="draft"),
    path(M + "pass/", views.let_pass, name="pass"),
    path(M + "release/", views.release, name="release"),
    path(M + "withdraw/", views.withdraw, name="withdraw"),
    path(M + "rule/", views.rule, name="rule"),
    path(M + "told/", views.told, name="told"),
    path(M + "let-see/", views.let_see, name="let-see"),
    path(M + "take-part/", views.take_part, name="take-part"),
    path(M + "step-out/", views.step_out, name="step-out"),
    path(M + "respond/", views.respond, name="respond"),
    path(M + "say/", views.say, name="say"),
    path(M + "say/<uuid:item_id>/take-back/", views.unsay, name="unsay"),
    path(M + "changed/", views.changed, name="changed"),
]
