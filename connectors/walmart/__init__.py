"""Walmart Marketplace: purchase orders, returns, inventory and reconciliation reports of one seller account."""
