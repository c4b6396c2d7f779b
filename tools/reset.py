"""`make reset`: throw the local state away after asking; YES=1 answers for you."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tools.machine import Trouble, main_of, run_dir
from tools.places import outside
from tools.processes import Family
from tools.state import alone


def state_dirs(state: Path) -> list[Path]:
    """What there is to remove: the state directory, and data that lies outside of it."""
    found = [outside(state), outside(state / "test"), state]
    return [path for path in found if path.exists()]


def agreed(paths: list[Path]) -> bool:
    if os.environ.get("YES") == "1":
        return True
    print("This removes the database, files and secrets of this machine for good:")
    print(*[f"  {path}" for path in paths], sep="\n")
    if not sys.stdin.isatty():
        raise Trouble("Nobody is there to ask. Nothing was removed; to remove it say: make reset YES=1")
    return input("Type yes to remove it: ").strip().lower() == "yes"


def remove(state: Path, paths: list[Path]) -> None:
    with alone(state, "make reset"):
        for folder in (state / "test", state):
            Family(folder).stop_leftovers()
        for path in paths:
            shutil.rmtree(path)


def main() -> int:
    state = Path(run_dir()).resolve()
    if not state.exists():
        print(f"There is nothing to remove: {state} does not exist.")
        return 0
    if not (state / ".leadline").exists():
        raise Trouble(f"{state} was not made by Leadline, so it is left alone. Check RUN_DIR.")
    paths = state_dirs(state)
    if not agreed(paths):
        print("Nothing was removed.")
        return 1
    remove(state, paths)
    print("Removed.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main_of(main))
