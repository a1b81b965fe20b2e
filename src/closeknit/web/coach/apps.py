from django.apps import AppConfig


class CoachConfig(AppConfig):
    name = "closeknit.web.coach"
    label = "coach"
