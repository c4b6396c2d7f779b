"""Writes the tenant's wall into every tenant table (tenancy.md 1.3, 1.5; docs/adr/0002).

A tenant table is a table whose model has an `OwningTenant` field. Its primary
key is (tenant_id, id), its foreign keys to other tenant tables are composite
and its rows are guarded by one forced policy. Ordinary migrations run it all.
"""

from django.conf import settings
from django.db.backends.postgresql.schema import DatabaseSchemaEditor

from crm.core.tenancy.fields import OwningTenant, TenantForeignKey

POLICY = "tenant_wall"
CONDITION = "tenant_id = NULLIF(current_setting('crm.tenant_id', true), '')::bigint"


def owning_tenant(model) -> OwningTenant | None:
    return next((field for field in model._meta.local_fields if isinstance(field, OwningTenant)), None)


class TenantSchemaEditor(DatabaseSchemaEditor):
    # Foreign keys are added as statements of their own, so that ours can be composite.
    sql_create_column_inline_fk = None
    sql_composite_fk = (
        "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (tenant_id, %(column)s) "
        "REFERENCES %(to_table)s (tenant_id, %(to_column)s) DEFERRABLE INITIALLY IMMEDIATE"
    )

    def _iter_column_sql(self, column_db_type, params, model, field, field_db_params, include_default):
        for part in super()._iter_column_sql(column_db_type, params, model, field, field_db_params, include_default):
            if part == "PRIMARY KEY" and owning_tenant(model):
                continue
            yield part

    def table_sql(self, model):
        sql, params = super().table_sql(model)
        if owning_tenant(model):
            sql = sql[:-1] + ", PRIMARY KEY (tenant_id, id))"
        return sql, params

    def create_model(self, model):
        super().create_model(model)
        table = self.quote_name(model._meta.db_table)
        self.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {app_role()}")
        if owning := owning_tenant(model):
            self._raise_wall(table, owning.append_only)

    def _raise_wall(self, table: str, append_only: bool) -> None:
        self.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        self.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        self.execute(f"CREATE POLICY {POLICY} ON {table} USING ({CONDITION}) WITH CHECK ({CONDITION})")
        if append_only:
            self.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {app_role()}")

    def _create_fk_sql(self, model, field, suffix):
        statement = super()._create_fk_sql(model, field, suffix)
        if isinstance(field, TenantForeignKey):
            statement.template = self.sql_composite_fk
        return statement

    def _field_indexes_sql(self, model, field):
        if isinstance(field, TenantForeignKey) and self._field_should_be_indexed(model, field):
            return [self._create_index_sql(model, fields=[model._meta.get_field("tenant"), field])]
        return super()._field_indexes_sql(model, field)


def app_role() -> str:
    return settings.DATABASES["default"]["USER"]
