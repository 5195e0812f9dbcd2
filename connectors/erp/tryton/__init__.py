"""Tryton (8.0 or newer) as the ERP, over its REST interface. Tryton's own code is never imported."""
