from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class SealedConfig(AppConfig):
    name = "closeknit.web.sealed"
    label = "sealed"

    def ready(self) -> None:
        from . import journal

        connection_created.connect(journal.watch_statements)
        # Sent once for each app; ours are complete when the last one's turn comes.
        post_migrate.connect(_install)


def _install(sender: AppConfig, using: str, **_kwargs: Any) -> None:
    from django.apps import apps

    from . import journal

    models = [config for config in apps.get_app_configs() if config.models_module is not None]
    if sender == models[-1]:
        journal.install(using)
