"""`make run`: servers, web, worker and beat of one machine, until Ctrl-C.

Everything lives in RUN_DIR (default .run) and on loopback. Stops in the order web, beat,
worker, Valkey, PostgreSQL; a process that ends by itself is reported and ends the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from ctypes.util import find_library
from pathlib import Path

from tools import servers
from tools.browser import PDF_PACKAGES
from tools.machine import ROOT, Trouble, installed, main_of, run_dir, step
from tools.processes import Family, fell, interrupted, on_signals, wait_until
from tools.state import alone, make_state, read_secrets

STOP_ORDER = ("web", "beat", "worker", "valkey", "postgres")
PATIENCE = 60  # seconds for the web server to answer


# --- before anything starts ---------------------------------------------------------------------


def read_port() -> int:
    word = os.environ.get("PORT") or "8000"
    if not word.isdigit() or not 0 < int(word) < 65536:
        raise Trouble(f"PORT is “{word}”. Set it to a number from 1 to 65535.")
    return int(word)


def addresses(port: int) -> list[tuple[socket.AddressFamily, str]]:
    """The addresses to serve on: HOST, or both names of this machine that exist."""
    host = os.environ.get("HOST")
    if host:
        return [(socket.AF_INET6 if ":" in host else socket.AF_INET, host)]
    found = [(socket.AF_INET, "127.0.0.1")]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        found.append((socket.AF_INET6, "::1"))
    return found


def check_port(port: int) -> None:
    for family, host in addresses(port):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError:
                raise Trouble(f"Port {port} needs more rights. Choose one above 1023: PORT=8000 make run") from None
            except OSError as error:
                raise Trouble(
                    f"Port {port} of {host} cannot be used ({error.strerror}). Stop what uses it, or choose "
                    f"another: PORT={port + 1 if port < 65535 else 8000} make run"
                ) from None


def environment(state: Path, port: int) -> dict[str, str]:
    """What the product is told; what the person set already wins."""
    told = {"CRM_ENV": "local", "SECRET_KEY": read_secrets(state)["secret_key"]}
    fixed = {"RUN_DIR": str(state), "PORT": str(port), "DJANGO_SETTINGS_MODULE": "crm.settings"}
    return told | {name: value for name, value in os.environ.items() if value or name not in told} | fixed


# --- the steps ----------------------------------------------------------------------------------


def manage(env: dict[str, str], state: Path, *arguments: str) -> None:
    """Run a management command; its end is shown when it fails."""
    log = state / "logs" / "manage.log"
    with log.open("a+b") as output:
        start = output.seek(0, os.SEEK_END)
        command = [sys.executable, "manage.py", *arguments]
        code = subprocess.run(command, env=env, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT).returncode
        output.seek(start)
        said = output.read().decode("utf-8", "replace")
    if code:
        full = "No space left on device" in said
        lines = "\n".join(said.strip().splitlines()[-12:])
        raise Trouble("The disk is full." if full else f"manage.py {arguments[0]} failed ({log}):\n{lines}")


def static_fingerprint() -> str:
    """Changes when a static file comes, goes or is written, or the packages change."""
    apps = [path.parent for path in Path(ROOT).glob("*/apps.py")] + [Path(ROOT, "crm")]
    folders = [Path(ROOT, "static"), Path(ROOT, "frontend", "vendor"), *(f for a in apps for f in a.glob("**/static"))]
    seen = hashlib.sha256(json.dumps(installed(), sort_keys=True).encode())
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        status = path.stat()
        seen.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def translations() -> None:
    from tools.messages import command_compile

    sources = list(Path(ROOT, "locale").rglob("*.po"))
    if any(not (mo := po.with_suffix(".mo")).exists() or mo.stat().st_mtime < po.stat().st_mtime for po in sources):
        with step("Translations"):
            command_compile()


def static_files(env: dict[str, str], state: Path) -> None:
    """Collect the static files when one of them, or a package that may bring some, changed."""
    stamp = state / "static.stamp"
    seen = static_fingerprint()
    if stamp.exists() and stamp.read_text() == seen:
        return
    with step("Static files"):
        manage(env, state, "collectstatic", "--noinput", "--verbosity=0")
        stamp.write_text(seen)


def demo(env: dict[str, str], state: Path) -> None:
    if (state / "demo-logins.json").exists() or os.environ.get("CRM_DEMO") == "0":
        return
    with step("Demo company (first start)"):
        manage(env, state, "demo")


def start_servers(state: Path, family: Family) -> dict[str, str]:
    with step("PostgreSQL"):
        found = servers.start_database(state, family, {})
    with step("Valkey" if not os.environ.get("REDIS_URL") else "Redis"):
        return found | servers.start_broker(state, family)


def start_product(env: dict[str, str], state: Path, family: Family, port: int) -> None:
    hosts = [f"[{host}]" if ":" in host else host for _family, host in addresses(port)]
    web = [sys.executable, "-m", "gunicorn", "crm.wsgi:application", "--worker-class", "gthread"]
    web += ["--workers", "2", "--threads", "4", "--timeout", "60", "--graceful-timeout", "5", "--no-control-socket"]
    for host in hosts:
        web += ["--bind", f"{host}:{port}"]
    celery = [sys.executable, "-m", "celery", "-A", "crm"]
    worker = ["worker", "--concurrency", "2", "--max-tasks-per-child", "500", "--loglevel", "INFO"]
    beat = ["beat", "--schedule", str(state / "beat"), "--pidfile=", "--loglevel", "INFO"]
    family.spawn("web", web, env=env, cwd=ROOT)
    family.spawn("worker", celery + worker, env=env, cwd=ROOT)
    family.spawn("beat", celery + beat, env=env, cwd=ROOT)


def healthy(port: int) -> bool:
    host = addresses(port)[0][1].replace("0.0.0.0", "127.0.0.1")
    request = urllib.request.Request(f"http://{host}:{port}/healthz", headers={"Host": f"localhost:{port}"})
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=5).status == 200
    except (OSError, urllib.error.URLError):
        return False


def wait_for_web(family: Family, port: int) -> None:
    answered = wait_until(lambda: family.dead() is not None or healthy(port), PATIENCE)
    if child := family.dead():
        raise fell(child)
    if not answered:
        raise Trouble(f"The web server does not answer after {PATIENCE} s. Its log is {family.logs / 'web.log'}")


# --- while it runs ------------------------------------------------------------------------------


def login_lines(state: Path) -> list[str]:
    """One demo login of each role, from the list of objects that `manage.py demo` wrote."""
    path = state / "demo-logins.json"
    try:
        rows = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    first_of_role = {row.get("role"): row for row in reversed(rows)}
    shown = [first_of_role[role] for role in dict.fromkeys(row.get("role") for row in rows)]
    lines = [f"{row.get('role', ''):<9} {row.get('email', ''):<28} {row.get('password', '')}" for row in shown]
    return [*lines, f"({len(rows)} people and their API tokens: {path})"]


def welcome(state: Path, port: int, seconds: float) -> None:
    print(f"\nLeadline runs at http://localhost:{port}/  (ready after {seconds:.1f} s; logs in {state / 'logs'})")
    lines = login_lines(state)
    if lines:
        print("Demo logins:", *lines, sep="\n  ")
    if not all(find_library(name) for name in ("pango-1.0", "pangoft2-1.0")):
        print("PDF files need system libraries; on Debian: apt-get install " + " ".join(PDF_PACKAGES))
    print("Ctrl-C stops it; the data is kept.", flush=True)


def watch(family: Family) -> None:
    """Until a signal comes (KeyboardInterrupt) or a child ends by itself."""
    while not (child := family.dead()):
        time.sleep(0.5)
    raise fell(child)


def serve(state: Path, port: int, family: Family) -> None:
    start = time.monotonic()
    if family.recorded():
        with step("Leftovers of a killed run"):
            family.stop_leftovers()
    check_port(port)
    env = environment(state, port) | start_servers(state, family)
    translations()
    with step("Migrations"):
        manage(env, state, "migrate", "--database=owner", "--noinput", "--verbosity=1")
    static_files(env, state)
    demo(env, state)
    with step("Web, worker and beat"):
        start_product(env, state, family, port)
        wait_for_web(family, port)
    welcome(state, port, time.monotonic() - start)
    watch(family)


def main() -> int:
    port, state = read_port(), make_state(Path(run_dir()).resolve())
    on_signals(interrupted)
    with alone(state, f"Leadline at http://localhost:{port}/"):
        family = Family(state)
        try:
            serve(state, port, family)
        except KeyboardInterrupt:
            return 0
        finally:
            on_signals(signal.SIG_IGN)
            if family.children:
                print("\nStopping …", end=" ", flush=True)
                family.stop(STOP_ORDER)
                print("stopped.", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main_of(main))
