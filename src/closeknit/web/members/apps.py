from django.apps import AppConfig


class MembersConfig(AppConfig):
    name = "closeknit.web.members"
    label = "members"
