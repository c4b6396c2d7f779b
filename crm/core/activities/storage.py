"""Where files are kept: outside static, by company and a random name (architecture.md 5b)."""

import uuid

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage


def store(upload, tenant_id: int) -> dict:
    """Check and keep an upload; the columns of its Attachment. ValidationError when it may not be kept."""
    from crm.core.uploads import clean_upload

    clean = clean_upload(upload)
    name = default_storage.save(f"{tenant_id}/{uuid.uuid4()}", ContentFile(clean.content))
    return {
        "file": name,
        "name": clean.name,
        "content_type": clean.content_type,
        "size": clean.size,
        "sha256": clean.sha256,
    }
