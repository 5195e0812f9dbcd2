"""Storefront: our own signed JSON, with which any shop sends orders and is told what happens to them."""
