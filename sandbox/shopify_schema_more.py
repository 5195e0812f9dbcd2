"""The part of Shopify's Admin GraphQL schema (2026-10) about cancellations, edits, refunds, returns and stock."""

from __future__ import annotations

SDL = """
interface DisplayableError { field: [String!] message: String! }
interface JobResult { done: Boolean! id: ID! }

extend type Query {
  inventoryItems(
    after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false
  ): InventoryItemConnection!
  job(id: ID!): Job
  locations(
    after: String, before: String, first: Int, includeInactive: Boolean = false, includeLegacy: Boolean = false,
    last: Int, query: String, reverse: Boolean = false
  ): LocationConnection!
  nodes(ids: [ID!]!): [Node]!
  refund(id: ID!): Refund
  return(id: ID!): Return
}

extend type Mutation {
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
  orderCancel(
    notifyCustomer: Boolean = false, orderId: ID!, reason: OrderCancelReason!, refund: Boolean,
    refundMethod: OrderCancelRefundMethodInput, restock: Boolean!, staffNote: String
  ): OrderCancelPayload
  orderEditBegin(id: ID!): OrderEditBeginPayload
  orderEditCommit(id: ID!, notifyCustomer: Boolean, staffNote: String): OrderEditCommitPayload
  orderEditSetQuantity(
    id: ID!, lineItemId: ID!, locationId: ID, quantity: Int!, restock: Boolean
  ): OrderEditSetQuantityPayload
  refundCreate(input: RefundInput!): RefundCreatePayload
  returnApproveRequest(input: ReturnApproveRequestInput!): ReturnApproveRequestPayload
  returnClose(id: ID!): ReturnClosePayload
  returnDeclineRequest(input: ReturnDeclineRequestInput!): ReturnDeclineRequestPayload
  returnProcess(input: ReturnProcessInput!): ReturnProcessPayload
  returnRequest(input: ReturnRequestInput!): ReturnRequestPayload
}

extend type Order {
  returns(
    after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false
  ): ReturnConnection!
  suggestedRefund(
    refundLineItems: [RefundLineItemInput!], refundShipping: Boolean, shippingAmount: Money, suggestFullRefund: Boolean
  ): SuggestedRefund
  transactions(capturable: Boolean, first: Int, manuallyResolvable: Boolean): [OrderTransaction!]!
}

extend type LineItem { refundableQuantity: Int! }

extend type Refund {
  note: String
  order: Order!
  totalRefundedSet: MoneyBag!
  transactions(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): OrderTransactionConnection!
}

scalar Money

enum OrderTransactionKind { AUTHORIZATION CAPTURE CHANGE EMV_AUTHORIZATION REFUND SALE SUGGESTED_REFUND VOID }
enum OrderTransactionStatus { AWAITING_RESPONSE ERROR FAILURE PENDING SUCCESS UNKNOWN }
enum OrderTransactionErrorCode { GENERIC_ERROR INSUFFICIENT_FUNDS PROCESSING_ERROR }
enum SuggestedOrderTransactionKind { SUGGESTED_REFUND }
enum OrderCancelStatus { FAILED STARTED SUCCEEDED }
enum OrderCancelUserErrorCode {
  INTERNAL_ERROR INVALID NOT_FOUND NO_REFUND_PERMISSION NO_REFUND_TO_STORE_CREDIT_PERMISSION
}
enum OrderAdjustmentInputDiscrepancyReason { CUSTOMER DAMAGE OTHER RESTOCK }
enum ReturnStatus { CANCELED CLOSED DECLINED OPEN REQUESTED }
enum ReturnDeclineReason { FINAL_SALE OTHER RETURN_PERIOD_ENDED }
enum ReturnReason {
  COLOR DEFECTIVE NOT_AS_DESCRIBED OTHER SIZE_TOO_LARGE SIZE_TOO_SMALL STYLE UNKNOWN UNWANTED WRONG_ITEM
}
enum ReturnErrorCode { INVALID INVALID_STATE NOT_FOUND }
enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE IDEMPOTENCY_CONCURRENT_REQUEST IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED INVALID_INVENTORY_ITEM INVALID_LOCATION INVALID_NAME INVALID_QUANTITY_NEGATIVE
  INVALID_QUANTITY_TOO_HIGH NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}

input MoneyInput { amount: Decimal! currencyCode: CurrencyCode! }
input OrderCancelRefundMethodInput { originalPaymentMethodsRefund: Boolean }
input RefundLineItemInput { lineItemId: ID! locationId: ID quantity: Int! restockType: RefundLineItemRestockType }
input ShippingRefundInput { amount: Money fullRefund: Boolean }
input OrderTransactionInput {
  amount: Money! gateway: String! kind: OrderTransactionKind! orderId: ID! parentId: ID
}
input RefundInput {
  allowOverRefunding: Boolean = false
  currency: CurrencyCode
  discrepancyReason: OrderAdjustmentInputDiscrepancyReason
  note: String
  notify: Boolean
  orderId: ID!
  processedAt: DateTime
  refundLineItems: [RefundLineItemInput!]
  shipping: ShippingRefundInput
  transactions: [OrderTransactionInput!]
}
input ReturnApproveRequestInput { id: ID! notifyCustomer: Boolean = false }
input ReturnDeclineRequestInput {
  declineNote: String declineReason: ReturnDeclineReason! id: ID! notifyCustomer: Boolean = false
}
input ReturnRequestInput { orderId: ID! returnLineItems: [ReturnRequestLineItemInput!]! }
input ReturnRequestLineItemInput {
  customerNote: String fulfillmentLineItemId: ID! quantity: Int! returnReason: ReturnReason
}
input ReturnProcessReturnLineItemInput { id: ID! quantity: Int! }
input ReturnRefundOrderTransactionInput { parentId: ID! transactionAmount: MoneyInput! }
input ReturnProcessRefundInput {
  allowOverRefunding: Boolean = false orderTransactions: [ReturnRefundOrderTransactionInput!]!
}
input ReturnProcessFinancialTransferInput { issueRefund: ReturnProcessRefundInput }
input ReturnProcessInput {
  financialTransfer: ReturnProcessFinancialTransferInput
  note: String
  notifyCustomer: Boolean = false
  returnId: ID!
  returnLineItems: [ReturnProcessReturnLineItemInput!] = []
}
input SuggestedOutcomeReturnLineItemInput { id: ID! quantity: Int! }
input SuggestedOutcomeExchangeLineItemInput { id: ID! quantity: Int! }
input InventoryQuantityInput { changeFromQuantity: Int inventoryItemId: ID! locationId: ID! quantity: Int! }
input InventorySetQuantitiesInput {
  name: String! quantities: [InventoryQuantityInput!]! reason: String! referenceDocumentUri: String
}

type Job { done: Boolean! id: ID! }
type OrderCancelJobResult implements JobResult & Node {
  done: Boolean! errors: [OrderCancelUserError!]! id: ID! order: Order status: OrderCancelStatus!
}
type OrderCancelUserError implements DisplayableError {
  code: OrderCancelUserErrorCode field: [String!] message: String!
}
type OrderCancelPayload {
  job: Job
  jobResult: OrderCancelJobResult
  orderCancelUserErrors: [OrderCancelUserError!]!
  userErrors: [UserError!]!
}

type OrderTransaction implements Node {
  amountSet: MoneyBag!
  createdAt: DateTime!
  errorCode: OrderTransactionErrorCode
  gateway: String
  id: ID!
  kind: OrderTransactionKind!
  parentTransaction: OrderTransaction
  status: OrderTransactionStatus!
  test: Boolean!
}
type OrderTransactionConnection { edges: [OrderTransactionEdge!]! nodes: [OrderTransaction!]! pageInfo: PageInfo! }
type OrderTransactionEdge { cursor: String! node: OrderTransaction! }
type SuggestedOrderTransaction {
  amountSet: MoneyBag!
  gateway: String
  kind: SuggestedOrderTransactionKind!
  maximumRefundableSet: MoneyBag
  parentTransaction: OrderTransaction
}
type SuggestedRefund {
  amountSet: MoneyBag!
  maximumRefundableSet: MoneyBag!
  subtotalSet: MoneyBag!
  suggestedTransactions: [SuggestedOrderTransaction!]!
  totalTaxSet: MoneyBag!
}
type RefundCreatePayload { order: Order refund: Refund userErrors: [UserError!]! }
type RefundConnection { edges: [RefundEdge!]! nodes: [Refund!]! pageInfo: PageInfo! }
type RefundEdge { cursor: String! node: Refund! }

type CalculatedLineItem { editableQuantity: Int! id: ID! quantity: Int! sku: String title: String! }
type CalculatedLineItemConnection {
  edges: [CalculatedLineItemEdge!]! nodes: [CalculatedLineItem!]! pageInfo: PageInfo!
}
type CalculatedLineItemEdge { cursor: String! node: CalculatedLineItem! }
type CalculatedOrder implements Node {
  id: ID!
  lineItems(
    after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false
  ): CalculatedLineItemConnection!
  originalOrder: Order!
}
type OrderEditBeginPayload { calculatedOrder: CalculatedOrder userErrors: [UserError!]! }
type OrderEditSetQuantityPayload {
  calculatedLineItem: CalculatedLineItem calculatedOrder: CalculatedOrder userErrors: [UserError!]!
}
type OrderEditCommitPayload { order: Order successMessages: [String!] userErrors: [UserError!]! }

interface ReturnLineItemType implements Node {
  customerNote: String
  id: ID!
  processableQuantity: Int!
  processedQuantity: Int!
  quantity: Int!
  refundableQuantity: Int!
  refundedQuantity: Int!
  returnReason: ReturnReason!
  returnReasonDefinition: ReturnReasonDefinition
  returnReasonNote: String!
  unprocessedQuantity: Int!
}
type ReturnLineItem implements Node & ReturnLineItemType {
  customerNote: String
  fulfillmentLineItem: FulfillmentLineItem!
  id: ID!
  processableQuantity: Int!
  processedQuantity: Int!
  quantity: Int!
  refundableQuantity: Int!
  refundedQuantity: Int!
  returnReason: ReturnReason!
  returnReasonDefinition: ReturnReasonDefinition
  returnReasonNote: String!
  unprocessedQuantity: Int!
}
type ReturnLineItemTypeConnection {
  edges: [ReturnLineItemTypeEdge!]! nodes: [ReturnLineItemType!]! pageInfo: PageInfo!
}
type ReturnLineItemTypeEdge { cursor: String! node: ReturnLineItemType! }
type ReturnReasonDefinition implements Node { handle: String! id: ID! name: String! }
type ReturnDecline { note: String reason: ReturnDeclineReason! }
type ReturnConnection { edges: [ReturnEdge!]! nodes: [Return!]! pageInfo: PageInfo! }
type ReturnEdge { cursor: String! node: Return! }
type Return implements Node {
  closedAt: DateTime
  createdAt: DateTime!
  decline: ReturnDecline
  id: ID!
  name: String!
  order: Order!
  refunds(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): RefundConnection!
  requestApprovedAt: DateTime
  returnLineItems(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): ReturnLineItemTypeConnection!
  reverseFulfillmentOrders(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): ReverseFulfillmentOrderConnection!
  status: ReturnStatus!
  suggestedFinancialOutcome(
    exchangeLineItems: [SuggestedOutcomeExchangeLineItemInput!]!
    returnLineItems: [SuggestedOutcomeReturnLineItemInput!]!
  ): SuggestedReturnFinancialOutcome
  totalQuantity: Int!
}
type SuggestedReturnFinancialOutcome { financialTransfer: ReturnOutcomeFinancialTransfer maximumRefundable: MoneyBag! }
union ReturnOutcomeFinancialTransfer = RefundReturnOutcome
type RefundReturnOutcome { amount: MoneyBag! suggestedTransactions: [SuggestedOrderTransaction!]! }
type ReverseFulfillmentOrderConnection {
  edges: [ReverseFulfillmentOrderEdge!]! nodes: [ReverseFulfillmentOrder!]! pageInfo: PageInfo!
}
type ReverseFulfillmentOrderEdge { cursor: String! node: ReverseFulfillmentOrder! }
type ReverseFulfillmentOrder implements Node {
  id: ID!
  reverseDeliveries(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): ReverseDeliveryConnection!
}
type ReverseDeliveryConnection { edges: [ReverseDeliveryEdge!]! nodes: [ReverseDelivery!]! pageInfo: PageInfo! }
type ReverseDeliveryEdge { cursor: String! node: ReverseDelivery! }
type ReverseDelivery implements Node { deliverable: ReverseDeliveryDeliverable id: ID! }
union ReverseDeliveryDeliverable = ReverseDeliveryShippingDeliverable
type ReverseDeliveryShippingDeliverable { tracking: ReverseDeliveryTrackingV2 }
type ReverseDeliveryTrackingV2 { carrierName: String number: String url: URL }
type ReturnUserError implements DisplayableError { code: ReturnErrorCode field: [String!] message: String! }
type ReturnApproveRequestPayload { return: Return userErrors: [ReturnUserError!]! }
type ReturnDeclineRequestPayload { return: Return userErrors: [ReturnUserError!]! }
type ReturnClosePayload { return: Return userErrors: [ReturnUserError!]! }
type ReturnProcessPayload { return: Return userErrors: [ReturnUserError!]! }
type ReturnRequestPayload { return: Return userErrors: [ReturnUserError!]! }

type InventoryItemConnection { edges: [InventoryItemEdge!]! nodes: [InventoryItem!]! pageInfo: PageInfo! }
type InventoryItemEdge { cursor: String! node: InventoryItem! }
type InventoryItem implements Node {
  duplicateSkuCount: Int!
  id: ID!
  inventoryLevels(
    after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false
  ): InventoryLevelConnection!
  sku: String
  tracked: Boolean!
}
type InventoryLevelConnection { edges: [InventoryLevelEdge!]! nodes: [InventoryLevel!]! pageInfo: PageInfo! }
type InventoryLevelEdge { cursor: String! node: InventoryLevel! }
type InventoryLevel implements Node {
  id: ID! isActive: Boolean! location: Location! quantities(names: [String!]!): [InventoryQuantity!]!
}
type InventoryQuantity implements Node { id: ID! name: String! quantity: Int! }
type InventoryAdjustmentGroup implements Node { createdAt: DateTime! id: ID! reason: String! }
type InventorySetQuantitiesUserError implements DisplayableError {
  code: InventorySetQuantitiesUserErrorCode field: [String!] message: String!
}
type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup userErrors: [InventorySetQuantitiesUserError!]!
}
type LocationConnection { edges: [LocationEdge!]! nodes: [Location!]! pageInfo: PageInfo! }
type LocationEdge { cursor: String! node: Location! }
"""
