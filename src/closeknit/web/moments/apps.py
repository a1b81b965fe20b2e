from django.apps import AppConfig


class MomentsConfig(AppConfig):
    name = "closeknit.web.moments"
    label = "moments"

    def ready(self) -> None:
        from . import kinds, receivers  # noqa: F401
