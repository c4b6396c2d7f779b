"""The state directory of this machine: marked as ours, used by one command at a time, with its secrets."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from tools.machine import Trouble


def make_state(run_dir: Path) -> Path:
    """The state directory, open to pass through (PostgreSQL's user may have to), marked as ours."""
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Trouble(f"RUN_DIR is {run_dir}, which is a file and no folder. Choose another.") from None
    marker = run_dir / ".leadline"
    if not marker.exists():
        if any(run_dir.iterdir()):
            raise Trouble(f"{run_dir} is not empty and not Leadline's. Set RUN_DIR to a new folder.")
        marker.touch()
        run_dir.chmod(0o711)
    (run_dir / "logs").mkdir(exist_ok=True)
    return run_dir


def read_secrets(run_dir: Path) -> dict[str, str]:
    """The passwords of this state directory, made at first use and readable by its owner alone."""
    path = run_dir / "secrets.json"
    if not path.exists():
        names = ("postgres", "crm_owner", "crm_app", "valkey", "secret_key")
        scratch = path.with_suffix(".new")
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump({name: secrets.token_hex(32 if name == "secret_key" else 16) for name in names}, handle)
        scratch.replace(path)
    return json.loads(path.read_text())


@contextlib.contextmanager
def alone(state: Path, what: str) -> Iterator[None]:
    """Hold the lock of the state directory; a second start is refused and told `what` the first is."""
    with (state / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            said = handle.read().strip() or "somewhere"
            raise Trouble(f"{state} is in use by {said}. Stop that first, or set RUN_DIR to another folder.") from None
        handle.truncate(0)
        handle.write(f"{what} (process {os.getpid()})")
        handle.flush()
        yield
