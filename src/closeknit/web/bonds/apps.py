from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class BondsConfig(AppConfig):
    name = "closeknit.web.bonds"
    label = "bonds"

    def ready(self) -> None:
        from . import kinds  # noqa: F401

        pre_migrate.connect(_unguard)
        post_migrate.connect(_guard)


def _unguard(sender: AppConfig, using: str, **_kwargs: Any) -> None:
    if sender.label == BondsConfig.label:
        from . import guards

        guards.remove(using)


def _guard(sender: AppConfig, using: str, **_kwargs: Any) -> None:
    if sender.label == BondsConfig.label:
        from . import guards

        guards.install(using)
