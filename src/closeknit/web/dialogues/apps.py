from django.apps import AppConfig


class DialoguesConfig(AppConfig):
    name = "closeknit.web.dialogues"
    label = "dialogues"

    def ready(self) -> None:
        from . import kinds, receivers  # noqa: F401
