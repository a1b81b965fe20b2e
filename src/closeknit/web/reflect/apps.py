from django.apps import AppConfig


class ReflectConfig(AppConfig):
    name = "closeknit.web.reflect"
    label = "reflect"
