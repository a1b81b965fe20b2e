from django.apps import AppConfig


class ReflectConfig(AppConfig):
    name = "closeknit.web.reflect"
    label = "reflect"

    def ready(self) -> None:
        from . import kinds  # noqa: F401
