"""A believable company to try the product with: made up, seeded, the same for the same day."""
