"""Pages of companies and people: the way in, and the settings."""
