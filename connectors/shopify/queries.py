"""Every GraphQL query Orderyard sends, valid for Admin API 2026-10 (a test proves it against the introspection).

A page of orders is read with their heads only, because a single query may cost 1000 points at most; what has been
fulfilled or refunded is read order by order.
"""

from connectors.shopify import queries_changes as changes
from connectors.shopify.mutations import WRITES
from connectors.shopify.queries_changes import MONEY, PRICE

TAX_LINES = f"taxLines {{ title rate channelLiable priceSet {{ {PRICE} }} }}"

DISCOUNTS = f"""
  discountAllocations {{
    allocatedAmountSet {{ {PRICE} }}
    discountApplication {{
      index
      ... on DiscountCodeApplication {{ code }}
      ... on ManualDiscountApplication {{ title }}
      ... on AutomaticDiscountApplication {{ title }}
      ... on ScriptDiscountApplication {{ title }}
    }}
  }}
"""

LINES = f"""
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    id sku name title quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
    variant {{ id }} product {{ id }}
    originalUnitPriceSet {{ {PRICE} }}
    totalDiscountSet {{ {PRICE} }}
    {DISCOUNTS}
    {TAX_LINES}
    duties {{ price {{ {PRICE} }} {TAX_LINES} }}
  }}
"""

ADDRESS = "name firstName lastName company address1 address2 city provinceCode province zip countryCodeV2 phone"

HEAD = f"""
fragment Head on Order {{
  id legacyResourceId name createdAt processedAt updatedAt cancelledAt cancelReason test
  currencyCode presentmentCurrencyCode taxesIncluded dutiesIncluded
  displayFinancialStatus displayFulfillmentStatus
  email phone poNumber note tags sourceName confirmationNumber
  customAttributes {{ key value }}
  customer {{ firstName lastName }}
  totalPriceSet {{ {MONEY} }}
  currentTotalPriceSet {{ {PRICE} }}
  totalTaxSet {{ {PRICE} }}
  totalDiscountsSet {{ {PRICE} }}
  totalShippingPriceSet {{ {PRICE} }}
  totalTipReceivedSet {{ {PRICE} }}
  originalTotalDutiesSet {{ {PRICE} }}
  originalTotalAdditionalFeesSet {{ {PRICE} }}
  totalCashRoundingAdjustment {{ paymentSet {{ {PRICE} }} }}
  additionalFees {{ name price {{ {PRICE} }} {TAX_LINES} }}
  {TAX_LINES}
  shippingAddress {{ {ADDRESS} }}
  billingAddress {{ {ADDRESS} }}
  lineItems(first: 20) {{ {LINES} }}
  shippingLines(first: 5) {{
    pageInfo {{ hasNextPage }}
    nodes {{
      title code isRemoved
      originalPriceSet {{ {PRICE} }}
      discountedPriceSet {{ {PRICE} }}
      {DISCOUNTS}
      {TAX_LINES}
    }}
  }}
}}
"""

FULFILLED_UNITS = """
  id status createdAt
  trackingInfo(first: 1) { company number }
  fulfillmentLineItems(first: 20) { pageInfo { hasNextPage } nodes { quantity lineItem { id } } }
"""

ORDERS = f"""
query Orders($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{ ...Head }}
  }}
}}
{HEAD}
"""

ORDER = f"""
query Order($id: ID!) {{
  order(id: $id) {{
    ...Head
    fulfillmentsCount {{ count }}
    fulfillments(first: 15) {{ {FULFILLED_UNITS} }}
    refunds(first: 10) {{
      id createdAt note
      totalRefundedSet {{ {PRICE} }}
      refundLineItems(first: 10) {{ pageInfo {{ hasNextPage }} nodes {{ quantity restockType lineItem {{ id }} }} }}
    }}
  }}
}}
{HEAD}
"""

ORDER_LINES = f"""
query OrderLines($id: ID!, $after: String!) {{
  order(id: $id) {{ lineItems(first: 100, after: $after) {{ {LINES} }} }}
}}
"""

FULFILMENT_ORDERS = f"""
query FulfillmentOrders($id: ID!) {{
  order(id: $id) {{
    id
    fulfillmentsCount {{ count }}
    fulfillments(first: 15) {{ {FULFILLED_UNITS} }}
    fulfillmentOrders(first: 6) {{
      pageInfo {{ hasNextPage }}
      nodes {{
        id status requestStatus
        assignedLocation {{ location {{ id }} }}
        lineItems(first: 25) {{ pageInfo {{ hasNextPage }} nodes {{ id remainingQuantity lineItem {{ id }} }} }}
      }}
    }}
  }}
}}
"""

PAYOUT = "id legacyResourceId issuedAt status net { amount currencyCode }"

PAYOUTS = f"""
query Payouts($after: String, $query: String!) {{
  shopifyPaymentsAccount {{
    payouts(first: 100, after: $after, query: $query, sortKey: ISSUED_AT) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{ {PAYOUT} }}
    }}
  }}
}}
"""

PAYOUT_TRANSACTIONS = f"""
query PayoutTransactions($id: ID!, $after: String, $query: String!) {{
  node(id: $id) {{ ... on ShopifyPaymentsPayout {{ {PAYOUT} }} }}
  shopifyPaymentsAccount {{
    balanceTransactions(first: 200, after: $after, query: $query, sortKey: PROCESSED_AT) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        id type test transactionDate adjustmentReason
        amount {{ amount currencyCode }} fee {{ amount currencyCode }} net {{ amount currencyCode }}
        associatedOrder {{ id }} associatedPayout {{ id status }}
      }}
    }}
  }}
}}
"""

READS = (
    ORDERS,
    ORDER,
    ORDER_LINES,
    FULFILMENT_ORDERS,
    changes.UNITS_OF_LINES,
    changes.SUGGESTED_REFUND,
    changes.REFUND,
    changes.CANCELLING,
    changes.RETURNS,
    changes.RETURNS_OF_ORDER,
    changes.RETURN,
    changes.RETURN_OUTCOME,
    changes.ITEMS_BY_SKU,
    changes.ITEMS,
    PAYOUTS,
    PAYOUT_TRANSACTIONS,
)
OPERATIONS = (*READS, *WRITES)

COSTS = {
    "orders/10": 900.0,
    "order": 915.0,
    "order_lines": 401.0,
    "fulfillment_orders": 928.0,
    "units_of_lines": 226.0,
    "suggested_refund": 3.0,
    "refund": 11.0,
    "job": 3.0,
    "returns/4": 784.0,
    "returns_of_order": 196.0,
    "return": 407.0,
    "return_outcome": 3.0,
    "items_by_sku": 775.0,
    "items": 775.0,
    "payouts": 101.0,
    "balanceTransactions": 602.0,
    "fulfillment_create": 11.0,
    "order_cancel": 12.0,
    "refund_create": 21.0,
    "return_approve_request": 11.0,
    "return_decline_request": 11.0,
    "return_process": 11.0,
    "return_close": 11.0,
    "inventory_set_quantities": 11.0,
}
"""Points that each operation asks for (one an object, ten more a mutation; shopify.dev, "API rate limits"): believed
until Shopify's first answer says what it really is."""
