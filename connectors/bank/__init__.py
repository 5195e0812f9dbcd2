"""Statements of banks, as files: any bytes in, lines or a named refusal out."""
