"""Every GraphQL mutation Orderyard sends, valid for Admin API 2026-10.

Those that move money or stock carry `@idempotent(key:)`: Shopify refuses them without it since 2026-04, although its
schema does not say so (changelog, "Making idempotency mandatory").
"""

FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status }
    userErrors { field message }
  }
}
"""

CANCEL = """
mutation Cancel(
  $order: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $note: String, $notify: Boolean,
  $refund: OrderCancelRefundMethodInput
) {
  orderCancel(
    orderId: $order, reason: $reason, restock: $restock, staffNote: $note, notifyCustomer: $notify,
    refundMethod: $refund
  ) {
    job { id done }
    jobResult { id done status }
    orderCancelUserErrors { code field message }
  }
}
"""

REFUND = """
mutation Refund($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id transactions(first: 10) { nodes { id status errorCode } } }
    userErrors { field message }
  }
}
"""

APPROVE_RETURN = """
mutation ApproveReturn($input: ReturnApproveRequestInput!) {
  returnApproveRequest(input: $input) { return { id status } userErrors { code field message } }
}
"""

DECLINE_RETURN = """
mutation DeclineReturn($input: ReturnDeclineRequestInput!) {
  returnDeclineRequest(input: $input) { return { id status } userErrors { code field message } }
}
"""

PROCESS_RETURN = """
mutation ProcessReturn($input: ReturnProcessInput!, $key: String!) {
  returnProcess(input: $input) @idempotent(key: $key) { return { id status } userErrors { code field message } }
}
"""

CLOSE_RETURN = """
mutation CloseReturn($id: ID!) {
  returnClose(id: $id) { return { id status } userErrors { code field message } }
}
"""

SET_STOCK = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""

WRITES = (FULFIL, CANCEL, REFUND, APPROVE_RETURN, DECLINE_RETURN, PROCESS_RETURN, CLOSE_RETURN, SET_STOCK)
