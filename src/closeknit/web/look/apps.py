from django.apps import AppConfig


class LookConfig(AppConfig):
    name = "closeknit.web.look"
    label = "look"
