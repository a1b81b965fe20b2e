from django.urls import path

from . import views, views_factors

urlpatterns = [
    path("sign-up/", views.SignUp.as_view(), name="sign-up"),
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-in/second/", views_factors.second_factor, name="second-factor"),
    path("sign-in/passkey/", views_factors.passkey_sign_in, name="passkey-sign-in"),
    path("passkey/options/", views_factors.passkey_options, name="passkey-options"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("start/<str:token>/", views.host_link, name="host-link"),
    path("kit/", views.kit, name="kit"),
    path("recover/", views.recover, name="recover"),
    path("lock/", views.lock, name="lock"),
    path("unlock/", views.unlock, name="unlock"),
    path("unlock/passkey/", views_factors.passkey_unlock, name="passkey-unlock"),
    path("keep/", views.keep, name="keep"),
    path("confirm/", views.confirm, name="confirm"),
    path("kept/clear/", views.kept_clear, name="kept-clear"),
    path("you/", views.settings_view, name="settings"),
    path("you/passphrase/", views.passphrase, name="passphrase"),
    path("you/kit/", views.kit_new, name="kit-new"),
    path("you/second/", views_factors.second_ways, name="second-ways"),
    path("you/second/app/", views_factors.app_add, name="app-add"),
    path("you/second/passkey/", views_factors.passkey_add, name="passkey-add"),
    path("you/second/passkey/options/", views_factors.passkey_add_options, name="passkey-add-options"),
    path("you/second/codes/", views_factors.recovery_codes, name="recovery-codes"),
    path("you/second/codes/new/", views_factors.recovery_codes_new, name="recovery-codes-new"),
    path("you/second/<uuid:factor_id>/remove/", views_factors.factor_remove, name="factor-remove"),
    path("you/age/", views.of_age, name="of-age"),
    path("you/record/", views.own_record, name="record"),
    path("you/sessions/<uuid:session_id>/end/", views.session_end, name="session-end"),
]
