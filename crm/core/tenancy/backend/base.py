"""PostgreSQL backend that tells every transaction which tenant it serves (tenancy.md 1.2)."""

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base, features

from crm.core.tenancy.state import current_tenant_id

from .schema import TenantSchemaEditor

SETTING = "crm.tenant_id"


class TenantOutsideTransaction(ImproperlyConfigured):
    """A tenant is set but `SET LOCAL` would last for one statement only: open a transaction first."""


class DatabaseFeatures(features.DatabaseFeatures):
    # The key is (tenant_id, id), so PostgreSQL cannot infer the other columns from `id` alone.
    allows_group_by_selected_pks = False


class DatabaseWrapper(base.DatabaseWrapper):
    features_class = DatabaseFeatures
    SchemaEditorClass = TenantSchemaEditor

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._sent_tenant = None
        self.execute_wrappers.append(self._with_tenant)

    def _with_tenant(self, execute, sql, params, many, context):
        self._send_tenant(current_tenant_id())
        return execute(sql, params, many, context)

    def _send_tenant(self, tenant_id: int | None) -> None:
        if tenant_id == self._sent_tenant or self.needs_rollback:
            return
        if not self.in_atomic_block:
            if tenant_id is not None:
                raise TenantOutsideTransaction("A tenant is set but no transaction is open.")
            return
        with self.connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL {SETTING} = '{'' if tenant_id is None else int(tenant_id)}'")
        self._sent_tenant = tenant_id

    def _forget_tenant(self) -> None:
        self._sent_tenant = None

    def connect(self):
        self._forget_tenant()
        super().connect()

    def _set_autocommit(self, autocommit):
        self._forget_tenant()
        super()._set_autocommit(autocommit)

    def _commit(self):
        self._forget_tenant()
        return super()._commit()

    def _rollback(self):
        self._forget_tenant()
        return super()._rollback()

    def _savepoint_rollback(self, sid):
        super()._savepoint_rollback(sid)
        # The server went back to an earlier value: send ours again before the next statement.
        self._sent_tenant = Ellipsis
