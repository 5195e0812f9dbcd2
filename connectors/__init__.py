"""One folder per kind of outside system: a port and its providers. A vendor's field names never leave its folder."""
