from django.apps import AppConfig


class TakingConfig(AppConfig):
    name = "closeknit.web.taking"
    label = "taking"

    def ready(self) -> None:
        from . import jobs, kinds  # noqa: F401
