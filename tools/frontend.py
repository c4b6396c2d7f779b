"""Fetch the front-end packages that package-lock.json names and keep the few files we serve.

Run as `python tools/frontend.py`; needs only the standard library, no Node. Each archive is
checked against the sha512 in the lock before anything is unpacked. What to keep (files and
icons) is listed under "frontend" in package.json; the result lands in frontend/vendor/, which
is never committed. A second run with the same lock and list does nothing.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "frontend" / "vendor"
STAMP = VENDOR / ".stamp"
Archive = dict[str, bytes]


class Failed(Exception):
    """A sentence for the person at the terminal."""


def registry() -> str:
    """The npm registry's base address: the environment's, npm's own setting, or the public one."""
    chosen = os.environ.get("NPM_CONFIG_REGISTRY") or npm_setting()
    return (chosen or "https://registry." + "npmjs.org").rstrip("/")


def npm_setting() -> str:
    if not shutil.which("npm"):
        return ""
    asked = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
    answer = asked.stdout.strip()
    return answer if answer.startswith("http") else ""


def packages() -> dict[str, dict[str, str]]:
    """Name → lock entry of every package in the lock."""
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    prefix = "node_modules/"
    return {path.removeprefix(prefix): entry for path, entry in lock["packages"].items() if path.startswith(prefix)}


def address(base: str, name: str, version: str) -> str:
    return f"{base}/{name}/-/{name.split('/')[-1]}-{version}.tgz"


def download(url: str) -> bytes:
    for attempt in (1, 2, 3):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read()
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if attempt == 3:
                raise Failed(
                    f"Could not download {url} ({error}). Check the network, or set NPM_CONFIG_REGISTRY "
                    "to a registry this machine can reach, and run this again."
                ) from error
    raise AssertionError("unreachable")


def verify(name: str, archive: bytes, integrity: str) -> None:
    algorithm, _, expected = integrity.partition("-")
    found = base64.b64encode(hashlib.new(algorithm, archive).digest()).decode()
    if algorithm != "sha512" or found != expected:
        raise Failed(f"{name}: the downloaded archive is not the one package-lock.json names. Nothing was installed.")


def unpack(archive: bytes) -> Archive:
    """Path inside the package → content; only regular files, nothing is written to disk."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        members = (member for member in tar if member.isfile())
        return {member.name.partition("/")[2]: tar.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def fetch(item: tuple[str, dict[str, str]], base: str) -> tuple[str, Archive]:
    name, entry = item
    archive = download(address(base, name, entry["version"]))
    verify(name, archive, entry["integrity"])
    return name, unpack(archive)


def pick(archives: dict[str, Archive], source: str) -> bytes:
    """The content of "package/path", where a package may be scoped ("@scope/package/path")."""
    for name, files in archives.items():
        if source.startswith(name + "/") and source[len(name) + 1 :] in files:
            return files[source[len(name) + 1 :]]
    raise Failed(f"No package in package-lock.json holds {source}, which package.json wants.")


def symbol(name: str, svg: str) -> str:
    shapes = re.findall(r"<(?:path|circle|rect|line|polyline|ellipse)\b[^>]*/>", svg)
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(shapes)}</symbol>'


def sprite(archives: dict[str, Archive], names: list[str]) -> bytes:
    icons = (symbol(name, pick(archives, f"@tabler/icons/icons/outline/{name}.svg").decode()) for name in sorted(names))
    return ('<svg xmlns="http://www.w3.org/2000/svg">' + "".join(icons) + "</svg>\n").encode()


def wanted_stamp() -> str:
    parts = (ROOT / "package.json", ROOT / "package-lock.json", Path(__file__))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def install() -> int:
    keep = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["frontend"]
    base = registry()
    with ThreadPoolExecutor(4) as pool:
        archives = dict(pool.map(lambda item: fetch(item, base), packages().items()))
    files = {target: pick(archives, source) for target, source in keep["files"].items()}
    files["icons.svg"] = sprite(archives, keep["icons"])
    VENDOR.mkdir(parents=True, exist_ok=True)
    for target, content in files.items():
        (VENDOR / target).write_bytes(content)
    STAMP.write_text(wanted_stamp(), encoding="utf-8")
    return len(files)


def main() -> int:
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted_stamp():
        print("Front-end files are up to date.")
        return 0
    try:
        print(f"Front-end files: {install()} kept in {VENDOR.relative_to(ROOT)}.")
    except Failed as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
