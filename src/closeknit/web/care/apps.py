from django.apps import AppConfig


class CareConfig(AppConfig):
    name = "closeknit.web.care"
    label = "care"
