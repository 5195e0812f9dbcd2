"""Code to copy from. Nothing of the product imports it."""
