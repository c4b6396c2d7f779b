import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    """Files of a test are kept in its own folder."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    return tmp_path / "files"


@pytest.fixture
def upload():
    return SimpleUploadedFile


@pytest.fixture
def picture() -> bytes:
    """A small JPEG."""
    drawn = io.BytesIO()
    Image.new("RGB", (8, 6), "navy").save(drawn, "JPEG")
    return drawn.getvalue()
