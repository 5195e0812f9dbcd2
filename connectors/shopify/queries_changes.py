"""What is read to change an order: units, refunds, cancellations, returns, stock. Valid for Admin API 2026-10."""

MONEY = "shopMoney { amount currencyCode } presentmentMoney { amount currencyCode }"

PRICE = "shopMoney { amount currencyCode }"

UNITS_OF_LINES = """
query UnitsOfLines($id: ID!, $lines: [ID!]!) {
  order(id: $id) {
    id cancelledAt currencyCode presentmentCurrencyCode
    refunds(first: 25) { id note transactions(first: 4) { nodes { id status errorCode } } }
  }
  nodes(ids: $lines) { ... on LineItem { id quantity currentQuantity unfulfilledQuantity refundableQuantity } }
}
"""
"""What can still be cancelled or refunded of some lines, and which refunds there are already."""

SUGGESTED = f"""
  suggestedTransactions {{
    gateway
    parentTransaction {{ id }}
    amountSet {{ {MONEY} }}
    maximumRefundableSet {{ {MONEY} }}
  }}
"""

SUGGESTED_REFUND = f"""
query SuggestedRefund($id: ID!, $lines: [RefundLineItemInput!], $full: Boolean) {{
  order(id: $id) {{
    id currencyCode presentmentCurrencyCode
    suggestedRefund(refundLineItems: $lines, suggestFullRefund: $full) {{ {SUGGESTED} }}
  }}
}}
"""

REFUND = """
query Refund($id: ID!) {
  refund(id: $id) { id transactions(first: 10) { nodes { id status errorCode } } }
}
"""

CANCELLING = """
query Cancelling($job: ID!, $result: ID!, $order: ID!) {
  job(id: $job) { id done }
  node(id: $result) { ... on OrderCancelJobResult { id done status errors { code field message } } }
  order(id: $order) { id cancelledAt }
}
"""

RETURN_FIELDS = f"""
fragment ReturnFields on Return {{
  id name status createdAt requestApprovedAt closedAt
  order {{ id updatedAt }}
  refunds(first: 3) {{ pageInfo {{ hasNextPage }} nodes {{ id totalRefundedSet {{ {PRICE} }} }} }}
  reverseFulfillmentOrders(first: 1) {{
    nodes {{
      reverseDeliveries(first: 1) {{
        nodes {{ deliverable {{ ... on ReverseDeliveryShippingDeliverable {{ tracking {{ carrierName number }} }} }} }}
      }}
    }}
  }}
}}
"""

RETURN_LINES = """
  pageInfo { hasNextPage endCursor }
  nodes {
    id quantity processedQuantity unprocessedQuantity refundableQuantity refundedQuantity
    returnReasonDefinition { handle } returnReasonNote customerNote
    ... on ReturnLineItem { fulfillmentLineItem { lineItem { id sku } } }
  }
"""

RETURNS = f"""
query Returns($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id updatedAt
      returns(first: 5) {{
        pageInfo {{ hasNextPage endCursor }}
        nodes {{ ...ReturnFields returnLineItems(first: 8) {{ {RETURN_LINES} }} }}
      }}
    }}
  }}
}}
{RETURN_FIELDS}
"""

RETURNS_OF_ORDER = f"""
query ReturnsOfOrder($id: ID!, $after: String) {{
  order(id: $id) {{
    id updatedAt
    returns(first: 5, after: $after) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ ...ReturnFields returnLineItems(first: 8) {{ {RETURN_LINES} }} }}
    }}
  }}
}}
{RETURN_FIELDS}
"""

RETURN = f"""
query Return($id: ID!) {{
  return(id: $id) {{ ...ReturnFields returnLineItems(first: 100) {{ {RETURN_LINES} }} }}
}}
{RETURN_FIELDS}
"""

RETURN_OUTCOME = f"""
query ReturnOutcome($id: ID!, $lines: [SuggestedOutcomeReturnLineItemInput!]!) {{
  return(id: $id) {{
    id
    suggestedFinancialOutcome(returnLineItems: $lines, exchangeLineItems: []) {{
      financialTransfer {{ ... on RefundReturnOutcome {{ amount {{ {MONEY} }} {SUGGESTED} }} }}
    }}
  }}
}}
"""

STOCK_LEVELS = """
  nodes { location { id } quantities(names: ["available"]) { name quantity } }
"""

ITEMS_BY_SKU = f"""
query ItemsBySku($query: String!, $after: String) {{
  inventoryItems(first: 25, query: $query, after: $after) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ id sku tracked inventoryLevels(first: 10) {{ pageInfo {{ hasNextPage }} {STOCK_LEVELS} }} }}
  }}
}}
"""

ITEMS = f"""
query Items($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on InventoryItem {{
      id sku tracked inventoryLevels(first: 10) {{ pageInfo {{ hasNextPage }} {STOCK_LEVELS} }}
    }}
  }}
}}
"""
