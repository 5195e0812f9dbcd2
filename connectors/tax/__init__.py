"""Tax engines, and the rate table that stands in while they are away."""
