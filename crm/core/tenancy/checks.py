"""System checks of the wall: the models, and the live catalogue (tenancy.md 1.7)."""

from django.apps import apps
from django.conf import settings
from django.core.checks import Error, Tags, register
from django.db import connections, models

from .backend.schema import CONDITION, POLICY, owning_tenant
from .fields import TenantForeignKey

# Tables that hold ids of a tenant but are read before a tenant is known.
TABLES_WITHOUT_POLICY = frozenset({"people_seat", "events_wakeup"})


@register(Tags.models)
def tenant_models(app_configs=None, **kwargs) -> list[Error]:
    """Every tenant model is built from the floor's fields, and every unique rule starts with the tenant."""
    return [error for model in apps.get_models() if owning_tenant(model) for error in _model_errors(model)]


def _model_errors(model):
    meta = model._meta
    for field in meta.local_fields:
        target = getattr(field.remote_field, "model", None)
        if target and owning_tenant(target) and not isinstance(field, TenantForeignKey):
            yield Error(f"{field} must be a TenantForeignKey.", obj=model, id="tenancy.E001")
        if field.unique and not field.primary_key:
            yield Error(f"{field} is unique across tenants; use a UniqueConstraint.", obj=model, id="tenancy.E002")
    for constraint in meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and "tenant" not in constraint.fields[:1]:
            yield Error(f"{constraint.name} must start with tenant.", obj=model, id="tenancy.E003")
    if any(m2m.remote_field.through._meta.auto_created for m2m in meta.local_many_to_many):
        yield Error("An automatic many-to-many table has no tenant; declare the model.", obj=model, id="tenancy.E004")


@register(Tags.security, deploy=True)
def production_secret(app_configs=None, **kwargs) -> list[Error]:
    if settings.CRM_ENV == "production" and settings.SECRET_KEY == settings.LOCAL_SECRET:
        return [Error("Set SECRET_KEY: the default is public.", id="tenancy.E020")]
    return []


@register(Tags.database)
def catalogue(app_configs=None, databases=None, **kwargs) -> list[Error]:
    """What the database really enforces; runs with `check --database default` and in the tests."""
    if not databases or "default" not in databases:
        return []
    return [*_role_errors(), *wall_errors()]


def wall_errors(using: str = "default") -> list[Error]:
    """What is missing in the wall of any tenant table, seen through the alias `using`."""
    return [error for table in _tenant_tables(using) for error in _table_errors(using, *table)]


def _rows(sql: str, params=(), using: str = "default") -> list[tuple]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _role_errors():
    [(superuser, bypass)] = _rows("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    if superuser or bypass:
        yield Error("The app role is above row-level security; serve as crm_app.", id="tenancy.E010")


def _tenant_tables(using: str) -> list[tuple]:
    return _rows(
        """
        SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) = current_user
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND c.relname <> ALL(%s)
        """,
        [sorted(TABLES_WITHOUT_POLICY)],
        using,
    )


def _table_errors(using, oid, table, enabled, forced, owned):
    if not (enabled and forced):
        yield Error(f"{table}: row-level security is not enabled and forced.", id="tenancy.E011")
    if owned:
        yield Error(f"{table} is owned by the app role.", id="tenancy.E012")
    policies = _rows("SELECT polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)"
                     " FROM pg_policy WHERE polrelid = %s", [oid], using)  # fmt: skip
    if [policy[0] for policy in policies] != [POLICY] or any(
        _folded(text) != _folded(CONDITION) for text in policies[0][1:]
    ):
        yield Error(f"{table} must have exactly one policy, {POLICY}.", id="tenancy.E013")
    keys = _rows("SELECT conname, contype, conkey[1] = a.attnum FROM pg_constraint k JOIN pg_attribute a"
                 " ON a.attrelid = k.conrelid AND a.attname = 'tenant_id'"
                 " WHERE conrelid = %s AND contype IN ('p', 'u', 'f')", [oid], using)  # fmt: skip
    for name, kind, starts_with_tenant in keys:
        if kind in "pu" and not starts_with_tenant:
            yield Error(f"{table}.{name} does not start with tenant_id.", id="tenancy.E014")
    yield from _foreign_key_errors(using, oid, table)


def _foreign_key_errors(using, oid, table):
    plain = _rows(
        """
        SELECT k.conname FROM pg_constraint k
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE k.conrelid = %s AND k.contype = 'f' AND array_length(k.conkey, 1) < 2
        """,
        [oid],
        using,
    )
    for (name,) in plain:
        yield Error(f"{table}.{name} joins tenant tables without tenant_id.", id="tenancy.E015")


def _folded(text: str) -> str:
    """The condition without the casts and brackets that PostgreSQL adds when it prints one."""
    return "".join(text.replace("::text", "").replace("(", "").replace(")", "").split()).lower()
