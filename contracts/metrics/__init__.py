"""Figures of contracts, orders and renewals."""
