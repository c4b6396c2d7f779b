"""`make bench`: every measurement in turn, in a database of its own that is dropped afterwards.

Figures are ratios against work done in the same run; absolute times depend on the machine.
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2

ROOT = Path(__file__).resolve().parents[1]
NAME = "leadline_bench"


def on_server(sql: str) -> None:
    """Run a statement as the owner role, outside a transaction."""
    connection = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


def run(env: dict[str, str], *command: str) -> None:
    print(f"\n$ python {' '.join(command)}", flush=True)
    subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=True)


def main(rows: str = "8800") -> None:
    """`rows`: how many deals are imported and then read."""
    urls = {key: os.environ[key].rsplit("/", 1)[0] + f"/{NAME}" for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    env = {**os.environ, **urls}
    on_server(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    on_server(f"CREATE DATABASE {NAME}")
    try:
        run(env, "manage.py", "migrate", "--database", "owner", "--verbosity", "0")
        run(env, "bench/imports.py", rows)
        run(env, "bench/pages.py")
    finally:
        on_server(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


if __name__ == "__main__":
    main(*sys.argv[1:2])
