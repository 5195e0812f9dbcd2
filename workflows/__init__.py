"""Deterministic orchestration and nothing else; one file per process."""
