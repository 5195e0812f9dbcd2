"""The commands of `starter.py`; one file a subject."""
