"""The browser of the tests: found, or installed where that is ours to do, or asked for.

Order: CRM_TEST_BROWSER, Playwright's own, the names on the PATH, the usual places of macOS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.machine import Trouble, step

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
# What the product's PDF files need.
PDF_PACKAGES = ("fonts-noto-cjk", "libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0")
PACKAGES = ("chromium", *PDF_PACKAGES)


def playwrights_own() -> str | None:
    """The Chromium that `playwright install` would have put into the user's cache."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find() -> str | None:
    """The path of a Chromium to test with; a CRM_TEST_BROWSER that is not there is trouble."""
    chosen = os.environ.get("CRM_TEST_BROWSER")
    if chosen:
        if not Path(chosen).exists():
            raise Trouble(f"CRM_TEST_BROWSER is {chosen}, which does not exist. Correct or unset it.")
        return chosen
    named = (shutil.which(name) for name in NAMES)
    placed = (place for place in PLACES if Path(place).exists())
    return playwrights_own() or next((path for path in (*named, *placed) if path), None)


def launch_args() -> list[str]:
    """Chromium's sandbox refuses root; containers have a small /dev/shm."""
    root = sys.platform == "linux" and os.geteuid() == 0
    return ["--disable-dev-shm-usage", *(["--no-sandbox"] if root else [])]


def may_install() -> bool:
    return Path("/etc/debian_version").exists() and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(["apt-get", *arguments], env=environment, capture_output=True, text=True)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise Trouble(f"The browser of the tests could not be installed: {lines[-1]}. {advice()}")


def advice() -> str:
    command = "brew install --cask chromium" if sys.platform == "darwin" else f"apt-get install {' '.join(PACKAGES)}"
    if sys.platform != "darwin" and not Path("/etc/debian_version").exists():
        command = ".venv/bin/playwright install --with-deps chromium"
    return f"Run: {command}   (or leave the browser tests out: CRM_SKIP_BROWSER=1 make test)"


def ensure() -> dict[str, str]:
    """The environment that tells the tests their browser; installs it on Debian as root."""
    if os.environ.get("CRM_SKIP_BROWSER") == "1":
        return {}
    path = find()
    if path is None and may_install():
        with step("Browser (apt-get)"):
            install()
        path = find()
    if path is None:
        raise Trouble(f"The tests need a Chromium and found none. {advice()}")
    return {"CRM_TEST_BROWSER": path}
