"""The part of Shopify's Admin GraphQL schema (2026-10) that the twin speaks, in Shopify's own names and types.

A test compares every field with the published introspection. Currency and country codes are enums there, scalars here.
"""

from __future__ import annotations

from graphql import GraphQLSchema, build_schema

from sandbox.shopify_schema_more import SDL as MORE

SDL = """
directive @idempotent(key: String!) on FIELD

scalar BigInt
scalar CountryCode
scalar CurrencyCode
scalar DateTime
scalar Decimal
scalar URL
scalar UnsignedInt64

interface Node { id: ID! }

type Query {
  node(id: ID!): Node
  order(id: ID!): Order
  orderByIdentifier(identifier: OrderIdentifierInput!): Order
  orders(
    after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false,
    savedSearchId: ID, sortKey: OrderSortKeys = PROCESSED_AT
  ): OrderConnection!
  shopifyPaymentsAccount: ShopifyPaymentsAccount
}

type Mutation {
  fulfillmentCreate(fulfillment: FulfillmentInput!, message: String): FulfillmentCreatePayload
  webhookSubscriptionCreate(
    topic: WebhookSubscriptionTopic!, webhookSubscription: WebhookSubscriptionInput!
  ): WebhookSubscriptionCreatePayload
}

enum OrderSortKeys { CREATED_AT ID ORDER_NUMBER PROCESSED_AT UPDATED_AT }
enum OrderCancelReason { CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }
enum OrderDisplayFinancialStatus {
  AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED
}
enum OrderDisplayFulfillmentStatus {
  FULFILLED FULFILLMENT_NOT_REQUIRED IN_PROGRESS ON_HOLD OPEN PARTIALLY_FULFILLED PENDING_FULFILLMENT
  REQUEST_DECLINED RESTOCKED SCHEDULED UNFULFILLED
}
enum FulfillmentStatus { CANCELLED ERROR FAILURE OPEN PENDING SUCCESS }
enum FulfillmentOrderStatus { CANCELLED CLOSED INCOMPLETE IN_PROGRESS ON_HOLD OPEN SCHEDULED }
enum FulfillmentOrderRequestStatus {
  ACCEPTED CANCELLATION_ACCEPTED CANCELLATION_REJECTED CANCELLATION_REQUESTED CLOSED REJECTED SUBMITTED UNSUBMITTED
}
enum RefundLineItemRestockType { CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }
enum PayoutSortKeys { ID ISSUED_AT STATUS }
enum BalanceTransactionSortKeys { ID PROCESSED_AT }
enum ShopifyPaymentsPayoutStatus { CANCELED FAILED IN_TRANSIT PAID SCHEDULED }
enum ShopifyPaymentsBalanceTransactionPayoutStatus {
  ACTION_REQUIRED CANCELED FAILED IN_TRANSIT PAID PENDING SCHEDULED
}
enum ShopifyPaymentsTransactionType { ADJUSTMENT ANOMALY_DEBIT CHARGE REFUND TRANSFER }
enum WebhookSubscriptionTopic {
  ORDERS_CREATE ORDERS_UPDATED ORDERS_PAID ORDERS_CANCELLED ORDERS_EDITED ORDERS_FULFILLED
  ORDERS_PARTIALLY_FULFILLED ORDERS_DELETE FULFILLMENTS_CREATE FULFILLMENTS_UPDATE REFUNDS_CREATE RETURNS_REQUEST
  RETURNS_APPROVE RETURNS_DECLINE RETURNS_PROCESS RETURNS_CLOSE RETURNS_CANCEL RETURNS_REOPEN RETURNS_UPDATE
  INVENTORY_LEVELS_UPDATE ORDER_TRANSACTIONS_CREATE
}
enum WebhookSubscriptionFormat { JSON XML }

input OrderIdentifierInput { id: ID }
input FulfillmentOrderLineItemInput { id: ID! quantity: Int! }
input FulfillmentOrderLineItemsInput {
  fulfillmentOrderId: ID! fulfillmentOrderLineItems: [FulfillmentOrderLineItemInput!]
}
input FulfillmentTrackingInput { company: String number: String numbers: [String!] url: URL urls: [URL!] }
input FulfillmentInput {
  lineItemsByFulfillmentOrder: [FulfillmentOrderLineItemsInput!]!
  notifyCustomer: Boolean = false
  trackingInfo: FulfillmentTrackingInput
}
input WebhookSubscriptionInput { filter: String format: WebhookSubscriptionFormat includeFields: [String!] uri: String }

type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }
type MoneyV2 { amount: Decimal! currencyCode: CurrencyCode! }
type MoneyBag { presentmentMoney: MoneyV2! shopMoney: MoneyV2! }
type UserError implements DisplayableError { field: [String!] message: String! }
type Attribute { key: String! value: String }
type Count { count: Int! }
type CashRoundingAdjustment { paymentSet: MoneyBag! refundSet: MoneyBag! }

type OrderConnection { edges: [OrderEdge!]! nodes: [Order!]! pageInfo: PageInfo! }
type OrderEdge { cursor: String! node: Order! }

type Order implements Node {
  additionalFees: [AdditionalFee!]!
  billingAddress: MailingAddress
  cancelReason: OrderCancelReason
  cancelledAt: DateTime
  closedAt: DateTime
  confirmationNumber: String
  createdAt: DateTime!
  currencyCode: CurrencyCode!
  currentTotalPriceSet: MoneyBag!
  customAttributes: [Attribute!]!
  customer: Customer
  discountCodes: [String!]!
  displayFinancialStatus: OrderDisplayFinancialStatus
  displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  dutiesIncluded: Boolean!
  email: String
  fulfillmentOrders(
    after: String, before: String, displayable: Boolean = false, first: Int, last: Int, query: String,
    reverse: Boolean = false
  ): FulfillmentOrderConnection!
  fulfillments(first: Int, query: String): [Fulfillment!]!
  fulfillmentsCount: Count
  id: ID!
  legacyResourceId: UnsignedInt64!
  lineItems(after: String, before: String, first: Int, last: Int, reverse: Boolean = false): LineItemConnection!
  name: String!
  note: String
  originalTotalAdditionalFeesSet: MoneyBag
  originalTotalDutiesSet: MoneyBag
  phone: String
  poNumber: String
  presentmentCurrencyCode: CurrencyCode!
  processedAt: DateTime!
  refunds(first: Int): [Refund!]!
  shippingAddress: MailingAddress
  shippingLines(
    after: String, before: String, first: Int, includeRemovals: Boolean = false, last: Int, reverse: Boolean = false
  ): ShippingLineConnection!
  sourceName: String
  subtotalPriceSet: MoneyBag
  tags: [String!]!
  taxLines: [TaxLine!]!
  taxesIncluded: Boolean!
  test: Boolean!
  totalCashRoundingAdjustment: CashRoundingAdjustment!
  totalDiscountsSet: MoneyBag
  totalPriceSet: MoneyBag!
  totalShippingPriceSet: MoneyBag!
  totalTaxSet: MoneyBag
  totalTipReceivedSet: MoneyBag!
  updatedAt: DateTime!
}

type Customer implements Node { firstName: String id: ID! lastName: String }
type MailingAddress implements Node {
  address1: String address2: String city: String company: String country: String countryCodeV2: CountryCode
  firstName: String id: ID! lastName: String name: String phone: String province: String provinceCode: String
  zip: String
}

type LineItemConnection { edges: [LineItemEdge!]! nodes: [LineItem!]! pageInfo: PageInfo! }
type LineItemEdge { cursor: String! node: LineItem! }
type LineItem implements Node {
  currentQuantity: Int!
  discountAllocations: [DiscountAllocation!]!
  duties: [Duty!]!
  id: ID!
  isGiftCard: Boolean!
  name: String!
  originalUnitPriceSet: MoneyBag!
  product: Product
  quantity: Int!
  requiresShipping: Boolean!
  sku: String
  taxLines(first: Int): [TaxLine!]!
  title: String!
  totalDiscountSet: MoneyBag!
  unfulfilledQuantity: Int!
  variant: ProductVariant
}
type Product implements Node { id: ID! }
type ProductVariant implements Node { id: ID! }
type TaxLine { channelLiable: Boolean priceSet: MoneyBag! rate: Float title: String! }
type Duty implements Node { id: ID! price: MoneyBag! taxLines: [TaxLine!]! }
type AdditionalFee implements Node { id: ID! name: String! price: MoneyBag! taxLines: [TaxLine!]! }
type DiscountAllocation { allocatedAmountSet: MoneyBag! discountApplication: DiscountApplication! }
interface DiscountApplication { index: Int! }
type DiscountCodeApplication implements DiscountApplication { code: String! index: Int! }
type ManualDiscountApplication implements DiscountApplication { description: String index: Int! title: String! }
type AutomaticDiscountApplication implements DiscountApplication { index: Int! title: String! }
type ScriptDiscountApplication implements DiscountApplication { index: Int! title: String! }

type ShippingLineConnection { edges: [ShippingLineEdge!]! nodes: [ShippingLine!]! pageInfo: PageInfo! }
type ShippingLineEdge { cursor: String! node: ShippingLine! }
type ShippingLine {
  code: String
  discountAllocations: [DiscountAllocation!]!
  discountedPriceSet: MoneyBag!
  id: ID
  isRemoved: Boolean!
  originalPriceSet: MoneyBag!
  taxLines: [TaxLine!]!
  title: String!
}

type Refund implements Node {
  createdAt: DateTime
  id: ID!
  refundLineItems(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): RefundLineItemConnection!
}
type RefundLineItemConnection { edges: [RefundLineItemEdge!]! nodes: [RefundLineItem!]! pageInfo: PageInfo! }
type RefundLineItemEdge { cursor: String! node: RefundLineItem! }
type RefundLineItem { id: ID lineItem: LineItem! quantity: Int! restockType: RefundLineItemRestockType! }

type Fulfillment implements Node {
  createdAt: DateTime!
  fulfillmentLineItems(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): FulfillmentLineItemConnection!
  id: ID!
  legacyResourceId: UnsignedInt64!
  name: String!
  status: FulfillmentStatus!
  trackingInfo(first: Int): [FulfillmentTrackingInfo!]!
  updatedAt: DateTime!
}
type FulfillmentTrackingInfo { company: String number: String url: URL }
type FulfillmentLineItemConnection {
  edges: [FulfillmentLineItemEdge!]! nodes: [FulfillmentLineItem!]! pageInfo: PageInfo!
}
type FulfillmentLineItemEdge { cursor: String! node: FulfillmentLineItem! }
type FulfillmentLineItem implements Node { id: ID! lineItem: LineItem! quantity: Int }
type FulfillmentCreatePayload { fulfillment: Fulfillment userErrors: [UserError!]! }

type FulfillmentOrderConnection { edges: [FulfillmentOrderEdge!]! nodes: [FulfillmentOrder!]! pageInfo: PageInfo! }
type FulfillmentOrderEdge { cursor: String! node: FulfillmentOrder! }
type FulfillmentOrder implements Node {
  assignedLocation: FulfillmentOrderAssignedLocation!
  id: ID!
  lineItems(
    after: String, before: String, first: Int, last: Int, reverse: Boolean = false
  ): FulfillmentOrderLineItemConnection!
  orderId: ID!
  requestStatus: FulfillmentOrderRequestStatus!
  status: FulfillmentOrderStatus!
}
type FulfillmentOrderAssignedLocation { location: Location name: String! }
type Location implements Node { id: ID! name: String! }
type FulfillmentOrderLineItemConnection {
  edges: [FulfillmentOrderLineItemEdge!]! nodes: [FulfillmentOrderLineItem!]! pageInfo: PageInfo!
}
type FulfillmentOrderLineItemEdge { cursor: String! node: FulfillmentOrderLineItem! }
type FulfillmentOrderLineItem implements Node {
  id: ID! lineItem: LineItem! remainingQuantity: Int! totalQuantity: Int! sku: String
}

type ShopifyPaymentsAccount implements Node {
  id: ID!
  balanceTransactions(
    after: String, before: String, first: Int, hideTransfers: Boolean = false, last: Int, query: String,
    reverse: Boolean = false, savedSearchId: ID, sortKey: BalanceTransactionSortKeys = PROCESSED_AT
  ): ShopifyPaymentsBalanceTransactionConnection!
  payouts(
    after: String, before: String, first: Int, last: Int, query: String, reverse: Boolean = false,
    savedSearchId: ID, sortKey: PayoutSortKeys = ISSUED_AT
  ): ShopifyPaymentsPayoutConnection!
}
type ShopifyPaymentsPayoutConnection {
  edges: [ShopifyPaymentsPayoutEdge!]! nodes: [ShopifyPaymentsPayout!]! pageInfo: PageInfo!
}
type ShopifyPaymentsPayoutEdge { cursor: String! node: ShopifyPaymentsPayout! }
type ShopifyPaymentsPayout implements Node {
  id: ID! issuedAt: DateTime! legacyResourceId: UnsignedInt64! net: MoneyV2! status: ShopifyPaymentsPayoutStatus!
}
type ShopifyPaymentsBalanceTransactionConnection {
  edges: [ShopifyPaymentsBalanceTransactionEdge!]! nodes: [ShopifyPaymentsBalanceTransaction!]! pageInfo: PageInfo!
}
type ShopifyPaymentsBalanceTransactionEdge { cursor: String! node: ShopifyPaymentsBalanceTransaction! }
type ShopifyPaymentsBalanceTransaction implements Node {
  adjustmentReason: String
  amount: MoneyV2!
  associatedOrder: ShopifyPaymentsAssociatedOrder
  associatedPayout: ShopifyPaymentsBalanceTransactionAssociatedPayout!
  fee: MoneyV2!
  id: ID!
  net: MoneyV2!
  sourceOrderTransactionId: BigInt
  test: Boolean!
  transactionDate: DateTime!
  type: ShopifyPaymentsTransactionType!
}
type ShopifyPaymentsAssociatedOrder { id: ID! name: String! }
type ShopifyPaymentsBalanceTransactionAssociatedPayout {
  id: ID status: ShopifyPaymentsBalanceTransactionPayoutStatus
}

type WebhookSubscriptionCreatePayload { userErrors: [UserError!]! webhookSubscription: WebhookSubscription }
type WebhookSubscription implements Node { id: ID! topic: WebhookSubscriptionTopic! uri: String! }
"""


def schema() -> GraphQLSchema:
    return build_schema(SDL + MORE)
