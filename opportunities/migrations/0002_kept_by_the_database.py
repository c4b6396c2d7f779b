"""Amount in hundredths and weighted amount become columns that the database keeps."""

from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Cast, Coalesce, Round


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0001_initial")]

    operations = [
        migrations.RemoveIndex(model_name="opportunity", name="opportunity_by_amount"),
        migrations.RemoveField(model_name="opportunity", name="amount_minor"),
        migrations.AddField(
            model_name="opportunity",
            name="amount_minor",
            field=models.GeneratedField(
                db_persist=True,
                expression=Coalesce(Cast(F("amount") * 100, models.BigIntegerField()), -1),
                output_field=models.BigIntegerField(),
            ),
        ),
        migrations.AddField(
            model_name="opportunity",
            name="weighted",
            field=models.GeneratedField(
                db_persist=True,
                expression=Round(F("amount") * F("probability"), 2),
                output_field=models.DecimalField(decimal_places=2, max_digits=18),
            ),
        ),
        migrations.AlterField(
            model_name="opportunity",
            name="lost_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("price", "Price"),
                    ("solution", "Our solution did not fit"),
                    ("competitor", "A competitor won"),
                    ("no_budget", "No budget"),
                    ("no_decision", "No decision"),
                    ("timing", "Timing"),
                    ("other", "Other"),
                ],
                editable=False,
                max_length=40,
                verbose_name="reason",
            ),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(
                fields=["tenant", "status", "stage", "-amount_minor", "-id"], name="opportunity_by_amount"
            ),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(fields=["tenant", "status", "closed_at"], name="opportunity_by_closed_at"),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(fields=["tenant", "opened_at"], name="opportunity_by_opening"),
        ),
        migrations.AddIndex(
            model_name="opportunity",
            index=models.Index(fields=["tenant", "-amount_minor", "-id"], name="opportunity_by_size"),
        ),
    ]
