"""From a bare machine to a Python with everything installed, then on to the command itself.

Standard library only, and readable by any Python 3.6+, so that an old one can say that it is
too old: `python3 tools/machine.py run|test|check|lock|reset`. Everything after this
runs in `.venv`, which is made from a committed lock file with hashes and made again only when
that lock changed.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)
KNOWN = ("3.11", "3.12", "3.13", "3.14")
LOCK_OF = {"run": "runtime"}  # every other command installs what developers need
NEEDED_SPACE = {"fresh": 1500, "ready": 150}  # megabytes


class Trouble(Exception):
    """Something the person at the keyboard can put right; the message says how."""


def explain(error):
    """One sentence for an error of the machine, or None if it is a fault of ours."""
    if isinstance(error, Trouble):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full ({error.filename or 'while writing'}). Free some space and start again."
    if isinstance(error, PermissionError):
        return (
            f"{error.filename} belongs to another user. Run this as that user, or set RUN_DIR to a folder of your own."
        )
    return None


def main_of(command):
    """Run `command` and turn trouble into one sentence and an exit code of 1."""
    try:
        return command() or 0
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        print("\nleadline: " + sentence, file=sys.stderr)
        return 1


@contextlib.contextmanager
def step(title):
    """One line of progress: the title at once, the seconds when it is done."""
    print(f"  {title:<34}", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - start:6.1f} s", flush=True)


def run_dir():
    """Where this machine keeps its state: RUN_DIR, or .run beside the code."""
    return os.path.abspath(os.environ.get("RUN_DIR") or os.path.join(ROOT, ".run"))


# --- Python -------------------------------------------------------------------------------------


def version_of(python):
    """The version of an interpreter as (major, minor); None if it does not run."""
    try:
        out = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        ).stdout
        major, minor = out.split()
        return int(major), int(minor)
    except (OSError, ValueError):
        return None


def dotted(version):
    return f"{version[0]}.{version[1]}"


def find_python():
    """The best Python for the lock: a version it was tried with, else any that is new enough."""
    if sys.version_info[:2] >= OLDEST and dotted(sys.version_info) in KNOWN:
        return sys.executable
    for version in KNOWN:
        python = shutil.which("python" + version)
        if python and version_of(python):
            return python
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    raise Trouble(
        f"Python {dotted(sys.version_info)} is too old: Leadline needs Python 3.11 or newer. Install one "
        "(on Debian: apt-get install python3.11 python3.11-venv) and start again."
    )


def make_venv():
    """Make .venv unless a working one of a good version is there."""
    have = version_of(VENV_PYTHON)
    if have and have >= OLDEST:
        return
    python = find_python()
    with step("Python environment"):
        made = subprocess.run(
            [python, "-m", "venv", "--clear", VENV], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Trouble(why_no_venv(python, made.stdout.decode("utf-8", "replace")))


def why_no_venv(python, output):
    if "No space left" in output:
        return "The disk is full. Free some space and start again."
    if "ensurepip" in output:
        return f"{python} cannot make environments. On Debian: apt-get install python{dotted(version_of(python))}-venv"
    return f"{python} could not make .venv: {(output.strip().splitlines() or ['no reason given'])[-1]}"


# --- packages -----------------------------------------------------------------------------------


def digest(lock):
    with open(os.path.join(ROOT, "requirements", lock + ".lock"), "rb") as handle:
        return hashlib.sha256(handle.read()).hexdigest()


def stamp_path():
    return os.path.join(VENV, "leadline-locks.json")


def installed():
    """Which locks .venv holds, as {name: digest}."""
    try:
        with open(stamp_path()) as handle:
            return json.load(handle)
    except (OSError, ValueError):
        return {}


def install(lock):
    """Install a lock with hashes; the develop lock contains the runtime one."""
    if installed().get(lock) == digest(lock):
        return
    log = os.path.join(VENV, "leadline-pip.log")
    command = [VENV_PYTHON, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    command += ["-r", os.path.join(ROOT, "requirements", lock + ".lock")]
    with step("Python packages (a minute or two)"), open(log, "w") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
        if code:
            raise Trouble(why_no_packages(log))
    locks = ("runtime", "develop") if lock == "develop" else ("runtime",)
    with open(stamp_path(), "w") as handle:
        json.dump({name: digest(name) for name in locks}, handle)


PIP_REASONS = (
    ("No space left on device", "The disk is full. Free some space and start again."),
    ("DO NOT MATCH THE HASHES", "a downloaded package differs from the lock file and was refused."),
    ("NewConnectionError", "the package index cannot be reached. Check the network (or pip's settings) and try again."),
    ("ConnectTimeout", "the package index cannot be reached. Check the network (or pip's settings) and try again."),
    ("name resolution", "the package index cannot be reached. Check the network (or pip's settings) and try again."),
    ("No matching distribution", "a package of the lock has no wheel for this machine and Python."),
    ("Permission denied", ".venv belongs to another user; remove it or run this as that user."),
)


def why_no_packages(log):
    with open(log, encoding="utf-8", errors="replace") as handle:
        text = handle.read()
    reason = next((said for sign, said in PIP_REASONS if sign in text), "pip failed.")
    culprit = [line for line in text.splitlines() if "No matching distribution" in line]
    detail = " " + culprit[-1].replace("ERROR: ", "") + "." if culprit and "no wheel" in reason else ""
    return f"The Python packages could not be installed: {reason}{detail} The log is {log}"


# --- the command --------------------------------------------------------------------------------


def check_space(kind):
    place = run_dir()
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    for folder in (place, ROOT):
        needed = NEEDED_SPACE[kind] if folder == ROOT else NEEDED_SPACE["ready"]
        free = shutil.disk_usage(folder).free // 1_000_000
        if free < needed:
            raise Trouble(
                f"The disk of {folder} is full: {free} MB are free and {needed} MB are needed. "
                "Free some space and start again."
            )


def single_file():
    """One preparation at a time, so that two commands do not install over each other."""
    import fcntl

    handle = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def front_end():
    script = os.path.join(ROOT, "tools", "frontend.py")
    if not os.path.exists(script):
        return
    with step("Front-end files"):
        done = subprocess.run([VENV_PYTHON, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            lines = done.stdout.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
            raise Trouble("The front-end files could not be fetched: " + lines[-1])


def prepare(command):
    lock = LOCK_OF.get(command, "develop")
    check_space("ready" if installed().get(lock) else "fresh")
    handle = single_file()
    make_venv()
    install(lock)
    front_end()
    os.close(handle)


def begin(arguments):
    command, rest = arguments[0], arguments[1:]
    os.chdir(ROOT)
    if command in ("reset", "lock"):  # they need nothing but Python
        python = find_python()
    else:
        prepare(command)
        python = VENV_PYTHON
    sys.stdout.flush()
    os.execv(python, [python, "-m", "tools." + command, *rest])


def interrupted(_number, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    if len(sys.argv) < 2:
        sys.exit("usage: python3 tools/machine.py run|test|check|lock|reset")
    sys.exit(main_of(lambda: begin(sys.argv[1:])))
