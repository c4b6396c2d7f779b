"""Bank statements: whose layout it is, what its rows say, and by what a row is known again (domain.md 6.21b)."""
