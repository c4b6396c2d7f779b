"""The browser of the tests is found, installed where that is ours to do, or asked for in one command."""

from types import SimpleNamespace

import pytest

from tools import browser
from tools.machine import Trouble


@pytest.fixture
def bare(monkeypatch):
    """A machine without any browser, whose user may not install one."""
    for name in ("CRM_TEST_BROWSER", "CRM_SKIP_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(browser, "playwrights_own", lambda: None)
    monkeypatch.setattr(browser, "may_install", lambda: False)
    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    return monkeypatch


def test_the_chosen_browser_wins(bare, tmp_path):
    bare.setattr(browser, "playwrights_own", lambda: "/own")
    bare.setenv("CRM_TEST_BROWSER", str(tmp_path))
    assert browser.ensure() == {"CRM_TEST_BROWSER": str(tmp_path)}
    bare.setenv("CRM_TEST_BROWSER", str(tmp_path / "gone"))
    with pytest.raises(Trouble, match="does not exist"):
        browser.ensure()


def test_playwrights_own_comes_before_the_path(bare):
    bare.setattr(browser.shutil, "which", lambda name: f"/bin/{name}" if name == "google-chrome" else None)
    assert browser.find() == "/bin/google-chrome"
    bare.setattr(browser, "playwrights_own", lambda: "/own")
    assert browser.find() == "/own"


def test_without_one_the_command_to_run_is_told(bare):
    with pytest.raises(Trouble, match=r"Run: .+CRM_SKIP_BROWSER=1"):
        browser.ensure()
    bare.setenv("CRM_SKIP_BROWSER", "1")
    assert browser.ensure() == {}


def test_root_on_debian_gets_one_installed(bare):
    said = []
    bare.setattr(browser, "may_install", lambda: True)
    bare.setattr(browser.subprocess, "run", lambda command, **_: said.append(command) or SimpleNamespace(returncode=0))
    bare.setattr(browser.shutil, "which", lambda name: "/usr/bin/chromium" if len(said) == 2 else None)
    assert browser.ensure() == {"CRM_TEST_BROWSER": "/usr/bin/chromium"}
    assert said[0][:2] == ["apt-get", "update"] and said[1][-len(browser.PACKAGES) :] == list(browser.PACKAGES)
    assert {"chromium", "fonts-noto-cjk"} <= set(browser.PACKAGES)
