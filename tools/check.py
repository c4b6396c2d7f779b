"""`make check`: everything that reads the code without using the product. Runs all, then tells."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from pathlib import Path

from tools.machine import ROOT, main_of
from tools.run import translations
from tools.test import test_servers

PYTHON = sys.executable
PRODUCTION = {
    "CRM_ENV": "production",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "crm.example.com",
    "SITE_URL": "https://crm.example.com",
    "EMAIL_URL": "smtp://mail.example.com:25",
}


def typed() -> list[str]:
    """What has types: the floor and every app's actions."""
    actions = [*Path(ROOT).glob("*/actions.py"), *Path(ROOT).glob("*/actions/")]
    return ["crm/core", *sorted(str(path.relative_to(ROOT)) for path in actions)]


def steps() -> list[tuple[str, list[str], dict[str, str]]]:
    """(title, command, additions to the environment)"""
    manage = [PYTHON, "manage.py"]
    return [
        ("ruff check", [PYTHON, "-m", "ruff", "check", "."], {}),
        ("ruff format", [PYTHON, "-m", "ruff", "format", "--check", "."], {}),
        ("types", [PYTHON, "-m", "mypy", *typed()], {}),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run", "--no-input"], {}),
        ("deployment", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
        ("translations", [PYTHON, "-m", "tools.messages", "check"], {}),
        ("architecture", [PYTHON, "-m", "pytest", "tests/architecture", "-q"], {}),
    ]


def passes(title: str, command: list[str], environment: dict[str, str]) -> bool:
    """Run one step and print its line, with all that it said when it failed."""
    start = time.monotonic()
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    word = "ok" if done.returncode == 0 else "FAILED"
    print(f"  {title:<34} {time.monotonic() - start:6.1f} s  {word}", flush=True)
    if done.returncode:
        print(done.stdout.decode("utf-8", "replace"), flush=True)
    return done.returncode == 0


def main() -> int:
    translations()
    with test_servers() as environment:
        failed = [title for title, command, more in steps() if not passes(title, command, environment | more)]
    print(f"make check: {', '.join(failed)} failed." if failed else "make check: all is well.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main_of(main))
