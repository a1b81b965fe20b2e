from django.urls import path

from . import views

urlpatterns = [
    path("sign-up/", views.SignUp.as_view(), name="sign-up"),
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("start/<str:token>/", views.host_link, name="host-link"),
    path("kit/", views.kit, name="kit"),
    path("recover/", views.recover, name="recover"),
    path("lock/", views.lock, name="lock"),
    path("unlock/", views.unlock, name="unlock"),
    path("keep/", views.keep, name="keep"),
    path("confirm/", views.confirm, name="confirm"),
    path("kept/clear/", views.kept_clear, name="kept-clear"),
    path("you/", views.settings_view, name="settings"),
    path("you/passphrase/", views.passphrase, name="passphrase"),
    path("you/kit/", views.kit_new, name="kit-new"),
    path("you/age/", views.of_age, name="of-age"),
    path("you/record/", views.own_record, name="record"),
    path("you/sessions/<uuid:session_id>/end/", views.session_end, name="session-end"),
]
