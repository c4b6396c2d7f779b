"""Recognising and finding records: `from crm.core.identity.subjects import register` in AppConfig.ready()."""
