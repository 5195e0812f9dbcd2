"""Odoo (19 or newer) as the ERP, over its JSON-2 interface.

Built to the public documentation and proven against our own twin of it; it was never run against a real Odoo.
"""
