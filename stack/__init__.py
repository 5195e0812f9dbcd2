"""The local stack: everything one machine needs to run Orderyard, without Docker."""
