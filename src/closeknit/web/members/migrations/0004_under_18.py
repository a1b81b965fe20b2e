from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0003_must_renew"),
    ]

    operations = [
        migrations.AddField(
            model_name="member",
            name="under_18",
            field=models.BooleanField(default=False),
        ),
    ]
