"""HTTP in: signed webhooks, health, metrics."""
