"""Where third-party front-end files are found, and how static files are named in production."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import Error
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

PREFIX = "npm/"


@functools.cache
def wanted() -> dict:
    """The "frontend" part of package.json: files to serve and icon names."""
    return json.loads((Path(settings.BASE_DIR) / "package.json").read_text(encoding="utf-8"))["frontend"]


@functools.cache
def icon_names() -> frozenset[str]:
    return frozenset(wanted()["icons"])


class VendorFinder(BaseFinder):
    """Serves the files tools/frontend.py fetched, and no others, as static `npm/…`."""

    def __init__(self, app_names=None, *args, **kwargs):
        self.storage = FileSystemStorage(location=settings.VENDOR_DIR)
        self.storage.prefix = PREFIX.rstrip("/")
        self.names = [*wanted()["files"], "icons.svg"]

    def check(self, **kwargs) -> list[Error]:
        missing = [name for name in self.names if not self.storage.exists(name)]
        hint = "Run: python tools/frontend.py"
        return [Error(f"The front-end file {PREFIX}{name} is missing.", hint=hint, id="web.E001") for name in missing]

    def find(self, path: str, find_all: bool = False, **kwargs):
        name = path.removeprefix(PREFIX)
        known = path.startswith(PREFIX) and name in self.names and self.storage.exists(name)
        if not known:
            return []
        return [self.storage.path(name)] if find_all else self.storage.path(name)

    def list(self, ignore_patterns) -> Iterator[tuple[str, FileSystemStorage]]:
        return ((name, self.storage) for name in self.names if self.storage.exists(name))


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Content-hashed names only, also in the imports between our own modules (static/js).

    Source maps are neither referenced nor compressed: they are most of the bytes and nobody reads them here.
    """

    keep_only_hashed_files = True
    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
    patterns = tuple(
        (extension, tuple(rule for rule in rules if "sourceMappingURL" not in str(rule)))
        for extension, rules in CompressedManifestStaticFilesStorage.patterns
        if extension == "*.css"
    )

    def compress_files(self, paths):
        return super().compress_files([path for path in paths if not path.endswith(".map")])
