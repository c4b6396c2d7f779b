"""Child processes of the local commands: started apart from the terminal, recorded, stopped in order.

Every child is its own process group (Ctrl-C reaches only us) and is written into `pids.json`
of the state directory with its start mark, so that whatever a killed parent left behind is
found and stopped at the next start, and no stranger that got the same number is.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.machine import Trouble

LOG_LIMIT = 5_000_000  # bytes after which a log is set aside at the next start
PATIENCE = (8, 4, 3)  # seconds after the polite signal, SIGQUIT and SIGKILL


@dataclass
class Child:
    """One running process; `mark` tells it from a later process of the same number."""

    name: str
    pid: int
    mark: str
    log: str
    polite: int = signal.SIGTERM
    process: subprocess.Popen | None = field(default=None, repr=False)

    def alive(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return bool(self.mark) and start_mark(self.pid) == self.mark

    def last_lines(self, count: int = 12) -> str:
        try:
            return "\n".join(Path(self.log).read_text("utf-8", "replace").splitlines()[-count:])
        except OSError:
            return ""

    def stop(self) -> None:
        """Ask politely, then less so; returns when the process is gone."""
        for number, patience in zip((self.polite, signal.SIGQUIT, signal.SIGKILL), PATIENCE, strict=True):
            if not self.alive():
                return
            self.signal(number)
            wait_until(lambda: not self.alive(), patience)

    def row(self) -> dict:
        """What the register keeps: enough to find the process again."""
        return {name: getattr(self, name) for name in ("name", "pid", "mark", "log", "polite")}

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if number == signal.SIGKILL else os.kill)(self.pid, number)


def start_mark(pid: int) -> str:
    """When a process started, in the system's own words; empty if there is none (or a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except OSError:
        if Path("/proc/self").exists():
            return ""
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "lstart="], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Poll `done` until it holds or the time is over; tells which."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Family:
    """The children of one state directory, in the order of their birth."""

    def __init__(self, run_dir: Path):
        self.register = run_dir / "pids.json"
        self.logs = run_dir / "logs"
        self.children: list[Child] = []

    def spawn(self, name: str, command: list[str], polite: int = signal.SIGTERM, **options) -> Child:
        """Start `command` with its output in logs/<name>.log; options are those of Popen."""
        log = self.open_log(name)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
        child = Child(name, process.pid, start_mark(process.pid), str(log), polite, process)
        self.children.append(child)
        self.record()
        return child

    def open_log(self, name: str) -> Path:
        self.logs.mkdir(exist_ok=True)
        log = self.logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        return log

    def record(self) -> None:
        self.register.write_text(json.dumps([child.row() for child in self.children]))

    def recorded(self) -> list[Child]:
        """What the register names and still runs."""
        try:
            rows = json.loads(self.register.read_text())
        except (OSError, ValueError):
            return []
        return [child for child in (Child(**row) for row in rows) if child.alive()]

    def stop_leftovers(self) -> int:
        """Stop what a killed parent left behind, last born first; returns how many."""
        left = self.recorded()
        for child in reversed(left):
            child.stop()
        return len(left)

    def dead(self) -> Child | None:
        return next((child for child in self.children if not child.alive()), None)

    def stop(self, names: tuple[str, ...] = ()) -> None:
        """Stop the named children in that order, then the rest, last born first."""
        by_name = {child.name: child for child in self.children}
        rest = [child for child in reversed(self.children) if child.name not in names]
        for child in [by_name[name] for name in names if name in by_name] + rest:
            child.stop()
        self.children.clear()
        self.register.unlink(missing_ok=True)


def fell(child: Child) -> Trouble:
    """The sentence about a process that ended although nobody asked it to."""
    lines = child.last_lines()
    if "No space left on device" in lines:
        return Trouble(f"{child.name} stopped because the disk is full. Free some space and start again.")
    code = child.process.poll() if child.process else None
    how = f" (signal {-code})" if code and code < 0 else f" (exit code {code})" if code is not None else ""
    return Trouble(f"{child.name} stopped unexpectedly{how}. The end of {child.log}:\n{lines}")


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def on_signals(handler) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)
