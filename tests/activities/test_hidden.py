"""What a pool hides until a claim is hidden in every story about the record too (INV-L12)."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from crm.core.activities import actions, subjects, timeline
from crm.core.activities.models import Attachment
from crm.core.tenancy.state import leave
from leads.actions import entry, ownership

pytestmark = pytest.mark.django_db
SECRETS = ("13911112222", "secret@firm.example", "打他手机")


@pytest.fixture
def lead(acme):
    """A lead in the pool that was worked on before: its history names the person."""
    lead = entry.create_lead(by=acme.rep, owner=acme.rep, name="秘密机械厂", phone="13900000000")
    entry.update_lead(lead, by=acme.rep, phone=SECRETS[0], email=SECRETS[1])
    actions.log([lead], by=acme.rep, type="note", note=f"{SECRETS[2]} {SECRETS[0]}", next_step=SECRETS[2])
    actions.attach([lead], SimpleUploadedFile("名片.txt", SECRETS[0].encode()), by=acme.rep)
    ownership.return_to_pool(lead, by=acme.rep, reason="没有需求")
    lead.refresh_from_db()
    return lead


def test_the_pool_hides_what_was_said(acme, lead, client):
    assert lead.pool_id and subjects.is_hidden(lead, acme.other_rep)
    lines, _cursor = timeline.of(lead, member=acme.other_rep)
    assert lines and not any(secret in str(lines) for secret in SECRETS)
    client.force_login(acme.other_rep.user)
    with leave():
        page = client.get(f"/acme/activities/leads.lead/{lead.pk}/").content.decode()
        listed = client.get(f"/acme/api/v1/activities/?subject_type=leads.lead&subject_id={lead.pk}").json()
    assert "名片" not in page and not any(secret in page for secret in SECRETS)
    assert listed["results"] == []
    assert not Attachment.objects.visible_to(acme.other_rep).exists()


def test_the_one_who_claims_reads_everything(acme, lead):
    ownership.claim(lead, by=acme.other_rep)
    lines, _cursor = timeline.of(lead, member=acme.other_rep)
    assert all(secret in str(lines) for secret in SECRETS)
    assert Attachment.objects.visible_to(acme.other_rep).get().name == "名片.txt"
