"""Shopify Admin: orders in GraphQL and webhook (REST) shape, fulfilments, Shopify Payments payouts. API 2026-10."""
