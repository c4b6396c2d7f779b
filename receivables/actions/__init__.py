"""What finance does with money owed and received; every function ends in records (domain.md 6.15, 6.16)."""
