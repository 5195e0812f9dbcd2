"""The canonical vocabulary and its rules: pure, no I/O, nothing but pydantic."""
