"""What sales, legal and delivery do with quotes, contracts, changes and orders; every function ends in records."""
