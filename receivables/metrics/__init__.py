"""Figures over receivables and receipts: ageing, days of sales outstanding, collection rate (domain.md 6.19)."""
