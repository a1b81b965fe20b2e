from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0004_second_ways"),
    ]

    operations = [
        migrations.AddField(
            model_name="member",
            name="under_18",
            field=models.BooleanField(default=False),
        ),
    ]
