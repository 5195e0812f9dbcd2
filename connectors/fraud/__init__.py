"""Fraud screening: a service, and the rules that stand in while it is away."""
