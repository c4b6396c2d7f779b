"""The web server as `make run` starts it, and clients that knock at it from processes of their own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READY_SECONDS = 60


@contextmanager
def web_server(port: int = 8765, workers: int = 2, threads: int = 4) -> Iterator[int]:
    """Gunicorn on loopback; yields its port."""
    command = [sys.executable, "-m", "gunicorn", "crm.wsgi:application", "--worker-class", "gthread"]
    command += [
        "--no-control-socket",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        str(workers),
        "--threads",
        str(threads),
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def _await(port: int) -> None:
    for _ in range(READY_SECONDS * 5):
        try:
            return call(port, "GET", "/healthz")[0] and None
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the web server did not start")


def call(port: int, method: str, path: str, token: str = "", body: object = None) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", **({"Authorization": f"Token {token}"} if token else {})}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def by_clients(clients: int, jobs: Sequence, act: Callable) -> tuple[list[float], float]:
    """Do `act(job)` for every job by so many clients at once: milliseconds of each, and seconds of all."""

    def timed(job) -> float:
        started = time.perf_counter()
        act(job)
        return (time.perf_counter() - started) * 1000

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(timed, jobs))
    return found, time.perf_counter() - started
