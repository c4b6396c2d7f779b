from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [
        migrations.RemoveField(model_name="apitoken", name="scopes"),
        migrations.RemoveField(model_name="user", name="theme"),
    ]
