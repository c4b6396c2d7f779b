"""What lists of prices, quotes, contracts and orders are narrowed by, on pages and in the API."""
