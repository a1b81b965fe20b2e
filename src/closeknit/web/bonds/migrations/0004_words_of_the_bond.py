from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def forget_open_after(apps: Any, _editor: Any) -> None:
    """These rows lay under the bond's key and said nothing. Each membership gets a new one under its owner's own key, at
    another place, when that member is next here."""
    apps.get_model("bonds", "BondRow").objects.filter(place="membership.open_after").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("bonds", "0003_people_come_and_go"),
        # Rows are removed here, and what is removed is looked for in the journal's table.
        ("sealed", "0001_removal"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="item",
            name="author",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(forget_open_after, migrations.RunPython.noop),
    ]
