"""`make lock`: write requirements/*.lock anew from requirements/*.in, with hashes and without addresses.

Made on Python 3.11, the oldest that has to install them; pip-tools gets an environment of its own.
`make lock ARGS=--upgrade` takes newer versions, otherwise what is locked stays.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.machine import ROOT, Trouble, dotted, main_of, run_dir, step
from tools.state import make_state

PIP_TOOLS = "pip-tools==7.6.2"
SILENCED = ("index-url", "find-links", "trusted-host", "options")


def environment() -> Path:
    """A virtual environment with pip-tools, kept in the state directory."""
    if sys.version_info[:2] != (3, 11):
        raise Trouble(f"This is Python {dotted(sys.version_info)}; locks are made on 3.11: PYTHON=python3.11 make lock")
    home = make_state(Path(run_dir()).resolve()) / "lock"
    if not (home / "bin" / "pip-compile").exists():
        with step("pip-tools"):
            subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([home / "bin" / "pip", "install", "-q", PIP_TOOLS], check=True)
    return home


def compile_lock(home: Path, name: str, more: list[str]) -> None:
    command = [str(home / "bin" / "pip-compile"), "--quiet", "--generate-hashes", "--allow-unsafe", "--strip-extras"]
    command += ["--no-header", *(f"--no-emit-{part}" for part in SILENCED), *more, "-o", f"{name}.lock", f"{name}.in"]
    done = subprocess.run(command, cwd=os.path.join(ROOT, "requirements"), capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"requirements/{name}.in cannot be locked:\n{done.stderr.strip()[-2000:]}")


def main() -> int:
    home = environment()
    for name in ("runtime", "develop"):
        with step(f"requirements/{name}.lock (minutes)"):
            compile_lock(home, name, sys.argv[1:])
    return 0


if __name__ == "__main__":
    raise SystemExit(main_of(main))
