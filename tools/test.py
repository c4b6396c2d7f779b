"""`make test`: real servers, a browser, then pytest on both cores. Arguments go to pytest.

    tools/test.py [--nightly | --bench] [pytest arguments]
    tools/test.py --servers      leave the servers running and print their addresses

State is in RUN_DIR/test; the cluster is kept from run to run, the test databases are not.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import browser, servers
from tools.machine import ROOT, main_of, run_dir, step
from tools.processes import Family, interrupted, on_signals
from tools.run import translations
from tools.state import alone, make_state


@contextlib.contextmanager
def test_servers() -> Iterator[dict[str, str]]:
    """The environment of the tests, with servers that stop afterwards unless they ran before."""
    parent = make_state(Path(run_dir()).resolve())
    state = make_state(parent / "test")
    if found := servers.running(state):
        yield os.environ | found
        return
    family = Family(state)
    on_signals(interrupted)
    with alone(state, "a run of the tests"):
        try:
            family.stop_leftovers()
            with step("Test servers"):
                found = servers.start_for_tests(state, family)
            yield os.environ | found
        finally:
            on_signals(signal.SIG_IGN)
            family.stop(("valkey", "postgres"))
            on_signals(signal.SIG_DFL)


def command(arguments: list[str]) -> list[str]:
    match arguments:
        case ["--bench", *rest]:
            return [sys.executable, "-m", "bench", *rest]
        case ["--nightly", *rest]:
            return [sys.executable, "-m", "pytest", "-m", "nightly", *rest]
    return [sys.executable, "-m", "pytest", "-n", "2", *arguments]


def main() -> int:
    arguments = sys.argv[1:]
    if arguments == ["--servers"]:
        return servers.command_start(servers.test_dir())
    browsers = {} if arguments[:1] == ["--bench"] else browser.ensure()
    translations()
    with test_servers() as environment:
        environment |= browsers
        environment["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in the thread of the tests
        sys.stdout.flush()
        return subprocess.run(command(arguments), env=environment, cwd=ROOT).returncode


if __name__ == "__main__":
    raise SystemExit(main_of(main))
