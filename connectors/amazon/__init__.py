"""Amazon Selling Partner API: orders (2026-01-01, and v0 for compatibility), shipment confirmation, settlements."""
