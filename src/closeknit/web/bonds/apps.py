from django.apps import AppConfig


class BondsConfig(AppConfig):
    name = "closeknit.web.bonds"
    label = "bonds"
