"""The wizard, the API and the command: who may bring what, and what a bad file is told."""

import io
import time
import zipfile
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import Account
from crm.core.errors import Forbidden
from crm.core.imports import actions, registry, running
from crm.core.imports.models import Import
from crm.core.tenancy.state import enter, leave
from leads.models import Lead

from .conftest import bring, csv_file, fresh, take_in

pytestmark = pytest.mark.django_db

CUSTOMERS = "客户名称,员工数\n甲公司,12\n乙公司,很多\n"


def page(tenant, name, **kwargs):
    return reverse(f"imports:{name}", kwargs={"tenant": tenant.slug, **kwargs})


def upload(client, tenant, object, file):
    with leave():
        return client.post(page(tenant, "upload"), {"object": object, "file": file})


def test_the_wizard_from_file_to_result(acme, sign_in):
    client = sign_in(acme.admin)
    answer = upload(client, acme.tenant, "accounts", csv_file(CUSTOMERS))
    batch = Import.objects.of(acme.tenant).get()
    assert answer.url == page(acme.tenant, "columns", pk=batch.pk)
    with leave():
        columns = client.get(answer.url).content.decode()
        preview = client.get(page(acme.tenant, "preview", pk=batch.pk), {"c0": "name", "c1": "employees"})
        assert "甲公司" in columns and "not a whole number" in preview.content.decode()
        client.post(answer.url, {"c0": "name", "c1": "employees", "policy": "skip"})
    assert fresh(batch).status == "checking"
    with leave():
        assert "hx-get" in client.get(page(acme.tenant, "detail", pk=batch.pk)).content.decode()
    running.work(batch.pk, acme.tenant.pk)
    with leave():
        found = client.get(page(acme.tenant, "detail", pk=batch.pk)).content.decode()
        assert "Import 1 rows" in found and "not a whole number" in found
        client.post(page(acme.tenant, "run", pk=batch.pk))
        assert "hx-get" in client.get(page(acme.tenant, "state", pk=batch.pk)).content.decode()
    running.work(batch.pk, acme.tenant.pk)
    with leave():
        assert client.get(page(acme.tenant, "state", pk=batch.pk))["HX-Refresh"] == "true"
        assert (
            page(acme.tenant, "errors", pk=batch.pk)
            in client.get(page(acme.tenant, "detail", pk=batch.pk)).content.decode()
        )
        file = client.get(page(acme.tenant, "errors", pk=batch.pk))
        assert "乙公司,很多" in b"".join(file.streaming_content).decode("utf-8-sig")
        assert client.get(page(acme.tenant, "list")).status_code == 200
    assert Account.objects.of(acme.tenant).get().name == "甲公司"


def test_unknown_words_are_mapped_on_the_page(acme, sign_in):
    batch = bring(acme.admin, "leads", "公司名称,负责人\n甲公司,Reb\n")
    actions.start_check(batch, by=acme.admin)
    running.work(batch.pk, acme.tenant.pk)
    with leave():
        client = sign_in(acme.admin)
        found = client.get(page(acme.tenant, "detail", pk=batch.pk)).content.decode()
        assert "Reb" in found
        client.post(page(acme.tenant, "values", pk=batch.pk), {"v0": "Rep"})
    assert fresh(batch).values == {"owner": {"Reb": "Rep"}} and fresh(batch).status == "checking"


def test_rows_can_be_pasted(acme, sign_in):
    with leave():
        client = sign_in(acme.admin)
        client.post(page(acme.tenant, "upload"), {"object": "accounts", "text": "客户名称\t行业\n甲公司\t机械\n"})
    assert Import.objects.of(acme.tenant).get().headers == ["客户名称", "行业"]


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"c0": "", "c1": "employees"}, "is required"),
        ({"c0": "name", "c1": "name"}, "fill the same field"),
        ({"c0": "nonsense", "c1": ""}, "nonsense"),
    ],
)
def test_a_wrong_mapping_is_told_and_nothing_starts(acme, sign_in, mapping, sentence):
    batch = actions.upload(by=acme.admin, object="accounts", file=csv_file(CUSTOMERS), name="f.csv")
    with leave():
        answer = sign_in(acme.admin).post(page(acme.tenant, "columns", pk=batch.pk), mapping)
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert fresh(batch).status == "uploaded"


def workbook(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return buffer.getvalue()


HOSTILE = {
    "empty": b"",
    "headers only": "客户名称,行业\n".encode(),
    "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
    "web page": b"<html><body><table><tr><td>x</td></tr></table></body></html>",
    "cut off": workbook(xl__workbook_xml=b"<workbook/>")[:60],
    "old excel": b"\xd0\xcf\x11\xe0" + b"\0" * 2000,
    "bomb": workbook(xl__workbook_xml=b"<workbook/>", xl__worksheets__sheet1_xml=b"0" * 60_000_000),
    "no workbook": workbook(readme_xml=b"<x/>"),
    "wide": (",".join(f"c{n}" for n in range(201)) + "\n" + ",".join("x" * 201) + "\n").encode(),
}

SENTENCES = {
    "empty": "empty", "headers only": "no rows below", "picture": "not a table", "web page": "web page",
    "cut off": "damaged", "old excel": "save it as .xlsx", "bomb": "", "no workbook": "not a table",
    "wide": "more than 200 columns",
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_is_no_table_is_refused_in_seconds_with_a_sentence(acme, sign_in, kind):
    started = time.monotonic()
    answer = upload(sign_in(acme.admin), acme.tenant, "accounts", SimpleUploadedFile("x.xlsx", HOSTILE[kind]))
    assert time.monotonic() - started < 5
    shown = answer.content.decode()
    assert answer.status_code == 422 and 'role="alert"' in shown and SENTENCES[kind] in shown
    assert not Import.objects.of(acme.tenant).exists()


OFFERED = {
    "admin": {"members", "products", "accounts", "contacts", "leads", "opportunities", "contracts"},
    "manager": {"accounts", "contacts", "leads", "opportunities", "contracts"},
    "rep": set(),
    "presales": set(),
    "finance": {"receivables", "receipts"},
    "legal": set(),
    "partner": set(),
}


@pytest.mark.parametrize("role", OFFERED)
def test_who_may_import_what(acme, sign_in, role):
    member = getattr(acme, role)
    assert {importer.key for importer in registry.offered_to(member)} == OFFERED[role]
    for object_ in OFFERED["admin"] - OFFERED[role]:
        with pytest.raises(Forbidden):
            actions.upload(by=member, object=object_, file=csv_file("a,b\n1,2\n"), name="f.csv")
    with leave():
        expected = 200 if OFFERED[role] else 403
        client = sign_in(member)
        assert client.get(page(acme.tenant, "list")).status_code == expected
        assert client.get(page(acme.tenant, "upload")).status_code == expected


def test_a_manager_imports_for_the_own_teams_only(acme):
    text = "公司名称,负责人\n甲公司,Rep\n乙公司,Other Rep\n"
    batch = take_in(acme.manager, "leads", text)
    assert list(Lead.objects.of(acme.tenant).values_list("name", flat=True)) == ["甲公司"]
    assert "not in your teams" in batch.result["reasons"][0]["text"]


def test_a_manager_does_not_change_what_others_hold(acme):
    take_in(acme.admin, "accounts", "客户名称,负责人,员工数\n甲公司,Other Rep,1\n乙公司,Rep,1\n")
    text = "客户名称,员工数\n甲公司,2\n乙公司,2\n"
    take_in(acme.manager, "accounts", text, options={"policy": "update"})
    found = dict(Account.objects.of(acme.tenant).values_list("name", "employees"))
    assert found == {"甲公司": 1, "乙公司": 2}


def test_an_import_is_its_owners_and_their_superiors(acme, sign_in):
    of_admin = bring(acme.admin, "leads", "公司名称\n秘密公司\n")
    of_manager = bring(acme.manager, "leads", "公司名称\n秘密公司\n")
    with leave():
        client = sign_in(acme.manager)
        assert client.get(page(acme.tenant, "columns", pk=of_manager.pk)).status_code == 200
        for name in ("detail", "columns", "preview", "state", "errors"):
            assert client.get(page(acme.tenant, name, pk=of_admin.pk)).status_code == 404
        for name in ("check", "run", "cancel", "values"):
            assert client.post(page(acme.tenant, name, pk=of_admin.pk)).status_code == 404


def test_another_companys_import_does_not_exist(acme, globex, sign_in, api):
    batch = take_in(acme.admin, "leads", "公司名称,手机\n秘密公司,坏\n,1\n")
    with leave():
        client = sign_in(globex.admin)
        for name in ("detail", "columns", "preview", "state", "errors"):
            for tenant in (globex.tenant, acme.tenant):
                assert client.get(page(tenant, name, pk=batch.pk)).status_code == 404
        with enter(globex.tenant):
            call = api(globex.admin)
        assert call("get", f"imports/{batch.pk}/").status_code == 404
        assert call("get", f"imports/{batch.pk}/errors/").status_code == 404
        assert call("post", f"imports/{batch.pk}/run/", {}).status_code == 404


def test_the_api_goes_the_same_way(acme, api, client):
    call = api(acme.admin)
    with leave():
        objects = call("get", "imports/objects/").json()["objects"]
        assert next(one["key"] for one in objects) == "members"
        wrong = call("post", "imports/", {"object": "nonsense"})
        assert wrong.status_code == 400 and set(wrong.json()) == {"object", "file"}
    batch = actions.upload(by=acme.admin, object="accounts", file=csv_file(CUSTOMERS), name="f.csv")
    with leave():
        bad = call("post", f"imports/{batch.pk}/map/", {"mapping": {"nonsense": "客户名称"}})
        assert bad.status_code == 400 and "mapping" in bad.json()
        early = call("post", f"imports/{batch.pk}/run/", {})
        assert (early.status_code, early.json()["code"]) == (409, "INVALID_TRANSITION")
        mapped = call("post", f"imports/{batch.pk}/map/", {"mapping": {"name": "客户名称", "employees": "员工数"}})
        assert mapped.json()["status"] == "mapped"
        assert call("post", f"imports/{batch.pk}/check/", {}).json()["status"] == "checking"
    running.work(batch.pk, acme.tenant.pk)
    with leave():
        assert call("get", f"imports/{batch.pk}/").json()["dry_run"]["counts"]["error"] == 1
        assert call("post", f"imports/{batch.pk}/run/", {}).status_code == 202
    running.work(batch.pk, acme.tenant.pk)
    with leave():
        done = call("get", f"imports/{batch.pk}/").json()
        assert (done["status"], done["result"]["counts"]["new"], done["has_errors"]) == ("done", 1, True)
        file = call("get", f"imports/{batch.pk}/errors/")
        assert "乙公司" in b"".join(file.streaming_content).decode("utf-8-sig")


def test_a_file_is_uploaded_by_multipart(acme, api, client):
    from crm.core.company.actions import create_token

    _token, secret = create_token(acme.admin, by=acme.admin, name="t")
    with leave():
        answer = client.post(
            f"/{acme.tenant.slug}/api/v1/imports/",
            {"object": "accounts", "file": csv_file(CUSTOMERS)},
            headers={"Authorization": f"Token {secret}"},
        )
        refused = client.post(
            f"/{acme.tenant.slug}/api/v1/imports/",
            {"object": "accounts", "file": SimpleUploadedFile("x.xlsx", HOSTILE["picture"])},
            headers={"Authorization": f"Token {secret}"},
        )
    assert answer.status_code == 201 and answer.json()["mapping"] == {"name": "客户名称", "employees": "员工数"}
    assert refused.status_code == 422 and refused.json()["code"] == "NOT_SPREADSHEET"


def test_the_command(acme, tmp_path):
    path = tmp_path / "customers.csv"
    path.write_text("Firma,Leute,行业\n甲公司,12,机械\n乙公司,viele,x\n", "utf-8")
    given = {"tenant": "acme", "object": "accounts", "file": str(path), "map": ["Firma=name", "Leute=employees"]}
    out = StringIO()
    with leave():
        call_command("import_records", **given, dry_run=True, stdout=out)
    assert "1 new" in out.getvalue() and not Account.objects.of(acme.tenant).exists()
    with leave():
        call_command("import_records", **given, errors=tmp_path / "errors.csv", stdout=out)
    assert Account.objects.of(acme.tenant).get().employees == 12
    assert "viele" in (tmp_path / "errors.csv").read_text("utf-8-sig")
    with leave(), pytest.raises(CommandError, match="no open company"):
        call_command("import_records", **{**given, "tenant": "nobody"})
    with leave(), pytest.raises(CommandError, match="nonsense"):
        call_command("import_records", **{**given, "map": ["Firma=nonsense"]})


def test_headers_are_known_in_both_languages(acme):
    for text in (
        "公司名称,联系人,手机号\na,b,1\n",
        "Company,Contact person,Mobile\na,b,1\n",
        "公司全称*,联系人姓名（必填）,电话\na,b,1\n",
    ):
        batch = actions.upload(by=acme.admin, object="leads", file=csv_file(text), name="f.csv")
        assert set(batch.mapping) >= {"contact_name", "phone"}


def test_a_mapping_is_remembered(acme):
    text = "甲列,乙列\n甲公司,机械\n"
    take_in(acme.admin, "accounts", text, mapping={"name": "甲列", "industry": "乙列"})
    again = actions.upload(by=acme.admin, object="accounts", file=csv_file(text), name="f.csv")
    assert again.mapping == {"name": "甲列", "industry": "乙列"}
