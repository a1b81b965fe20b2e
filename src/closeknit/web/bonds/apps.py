from django.apps import AppConfig


class BondsConfig(AppConfig):
    name = "closeknit.web.bonds"
    label = "bonds"

    def ready(self) -> None:
        from . import kinds  # noqa: F401
