from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "closeknit.web.members"
    label = "members"

    def ready(self) -> None:
        from . import kinds  # noqa: F401
