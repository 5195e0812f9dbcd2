"""Bazaar, an invented marketplace: what a developer writes to add a channel. See docs/adding-a-channel.md."""
