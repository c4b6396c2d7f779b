"""`/healthz`: this process answers. `/readyz`: it can do its work."""

from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from crm.core.events.models import Slot, Wakeup

LATE = timedelta(minutes=5)


def alive(request):
    return HttpResponse("ok", content_type="text/plain")


def ready(request):
    """Database, migrations, cache, outbox age and the last beat; 503 when the first three fail."""
    needed = {"database": _database, "migrations": _migrations, "cache": _cache}
    results = {name: _passes(check) for name, check in needed.items()}
    ok = all(results.values())
    if results["database"]:
        results |= {"outbox": _passes(_outbox), "beat": _passes(_beat)}
    return JsonResponse({"ok": ok, **results}, status=200 if ok else 503)


def _passes(check) -> bool:
    try:
        return bool(check())
    except Exception:
        return False


def _database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()


def _migrations():
    executor = MigrationExecutor(connection)
    return not set(executor.loader.graph.leaf_nodes()) - set(executor.loader.applied_migrations)


def _cache():
    cache.set("readyz", "1", 5)
    return cache.get("readyz") == "1"


def _outbox():
    return not Wakeup.objects.filter(created_at__lt=timezone.now() - LATE).exists()


def _beat():
    return Slot.objects.filter(started_at__gt=timezone.now() - LATE).exists()
