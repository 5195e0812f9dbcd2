"""The vendors' twins: local servers that speak the real protocols, with faults on demand and a ledger of effects."""
