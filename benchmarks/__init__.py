"""How fast the full flow is, beside an engine that does nothing, in the same run."""
