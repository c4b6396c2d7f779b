"""A Chromium for the tests of this folder: the one `make test` found, else one on the PATH, else Playwright's."""

import os
import shutil

import pytest

from tools import browser as machine

# Playwright's event loop runs in the thread of the tests.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    arguments = [*machine.launch_args(), "--disable-background-networking"]
    path = os.environ.get("CRM_TEST_BROWSER") or next(filter(None, map(shutil.which, machine.NAMES)), None)
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}
