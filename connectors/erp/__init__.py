"""ERP: sales orders, shipments and invoices."""
