"""The migrations themselves, run once into an empty database (the other tests build tables from the models)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = "test_migrations_only"


def url(alias: str) -> str:
    """The address of the scratch database for one of the two roles."""
    one = settings.DATABASES[alias]
    return f"postgres://{one['USER']}:{one['PASSWORD']}@{one['HOST']}:{one['PORT']}/{_scratch()}"


def _scratch() -> str:
    return f"{SCRATCH}_{os.environ.get('PYTEST_XDIST_WORKER', 'gw0')}_{os.getpid()}"


def manage(*arguments: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "DATABASE_URL": url("default"), "DATABASE_OWNER_URL": url("owner")}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )


@pytest.fixture
def empty_database(django_db_blocker):
    with django_db_blocker.unblock(), connections["owner"]._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{_scratch()}"')
    yield
    with django_db_blocker.unblock(), connections["owner"]._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{_scratch()}" WITH (FORCE)')


def test_migrations_build_the_wall(empty_database):
    migrated = manage("migrate", "--database", "owner")
    assert migrated.returncode == 0, migrated.stderr[-3000:]
    checked = manage("check", "--database", "default")
    assert checked.returncode == 0, checked.stderr[-3000:]
