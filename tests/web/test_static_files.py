"""Third-party files: only the listed ones, checked before they are unpacked, missed when absent."""

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from crm.core.web.static import VendorFinder, icon_names
from tools import frontend

ROOT = Path(__file__).resolve().parents[2]


def templates() -> list[Path]:
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    found = [path for folder in folders for path in folder.rglob("*.html")]
    return [path for path in found if "templates" in path.parts]


def test_only_listed_files_are_found(settings):
    finder = VendorFinder()
    assert finder.find("npm/icons.svg")
    assert finder.find("npm/.stamp") == []
    assert finder.find("npm/../settings.py") == []
    assert finder.check() == []


def test_missing_files_are_reported_with_the_command(settings, tmp_path):
    settings.VENDOR_DIR = tmp_path
    problems = VendorFinder().check()
    assert {problem.id for problem in problems} == {"web.E001"}
    assert "tools/frontend.py" in problems[0].hint


def test_an_archive_that_is_not_the_locked_one_is_refused():
    good = b"archive"
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(good).digest()).decode()
    frontend.verify("package", good, integrity)
    with pytest.raises(frontend.Failed, match="package-lock"):
        frontend.verify("package", b"other", integrity)
    with pytest.raises(frontend.Failed):
        frontend.verify("package", good, "sha1-" + base64.b64encode(hashlib.sha1(good).digest()).decode())


def test_every_locked_package_has_a_sha512():
    assert all(entry["integrity"].startswith("sha512-") for entry in frontend.packages().values())


def test_every_icon_a_template_names_is_in_the_sprite():
    sources = templates()
    named = {name for path in sources for name in re.findall(r'{% icon "([\w-]+)"', path.read_text("utf-8"))}
    assert named - icon_names() == set()


def test_styles_stay_small():
    styles = b"".join(path.read_bytes() for path in sorted((ROOT / "static" / "css").glob("*.css")))
    assert len(gzip.compress(styles)) < 25 * 1024


def test_no_template_needs_what_the_policy_forbids():
    """style-src and script-src are 'self': no style attribute, inline script or event handler."""
    sources = templates()
    forbidden = re.compile(r"""\sstyle=|<style|\son(?:click|change|submit|load|input)=|<script(?![^>]*\ssrc=)""")
    assert [str(path) for path in sources if forbidden.search(path.read_text("utf-8"))] == []


def test_no_component_attribute_hides_a_filter():
    """Cotton drops `:attr="value|filter"` without a word; `attr="{{ value|filter }}"` works."""
    hidden = re.compile(r"""<c-[^>]*?\s(:[\w-]+="[^"{}]*\|[^"{}]*")""")
    found = [f"{path.name}: {match}" for path in templates() for match in hidden.findall(path.read_text("utf-8"))]
    assert found == []
