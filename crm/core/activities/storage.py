"""Where files are kept: outside static, by company and a random name (architecture.md 5b)."""

import uuid

from django.core.files import File
from django.core.files.storage import default_storage

from crm.core.uploads import clean_upload


def store(upload, tenant_id: int) -> dict:
    """Check and keep an upload; the columns of its Attachment. Refused when it may not be kept (A5)."""
    clean = clean_upload(upload)
    with clean.file:
        name = default_storage.save(f"{tenant_id}/{uuid.uuid4()}", File(clean.file))
    return {
        "file": name, "name": clean.name, "content_type": clean.content_type, "size": clean.size,
        "sha256": clean.sha256,
    }  # fmt: skip
