from django.apps import AppConfig


class SealedConfig(AppConfig):
    name = "closeknit.web.sealed"
    label = "sealed"
