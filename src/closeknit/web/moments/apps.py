from django.apps import AppConfig


class MomentsConfig(AppConfig):
    name = "closeknit.web.moments"
    label = "moments"

    def ready(self) -> None:
        from . import receivers  # noqa: F401
