"""GraphQL requests as they come in, and Shopify's answers to those that go no further."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode, parse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.shopify_cost import LARGEST_QUERY

Document = dict[str, Any]
EVERYTHING = """
query Everything($id: ID!) {
  order(id: $id) {
    id legacyResourceId name createdAt processedAt updatedAt cancelledAt cancelReason test note tags email phone
    currencyCode presentmentCurrencyCode displayFinancialStatus displayFulfillmentStatus
    customAttributes { key value } customer { firstName lastName }
    totalPriceSet { ...M } currentTotalPriceSet { ...M } totalTaxSet { ...M } totalDiscountsSet { ...M }
    totalTipReceivedSet { ...M } totalCashRoundingAdjustment { paymentSet { ...M } }
    taxLines { ...T } shippingAddress { ...A } billingAddress { ...A }
    lineItems {
      nodes {
        id sku name quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
        originalUnitPriceSet { ...M } totalDiscountSet { ...M } taxLines { ...T }
        discountAllocations { allocatedAmountSet { ...M } } duties { price { ...M } }
      }
    }
    shippingLines {
      nodes {
        title code isRemoved originalPriceSet { ...M } discountedPriceSet { ...M } taxLines { ...T }
        discountAllocations { allocatedAmountSet { ...M } }
      }
    }
    fulfillments { id status createdAt fulfillmentLineItems { nodes { quantity lineItem { id } } } }
    refunds { id refundLineItems { nodes { quantity restockType lineItem { id } } } }
    fulfillmentOrders { nodes { id lineItems { nodes { id remainingQuantity lineItem { id } } } } }
  }
}
fragment M on MoneyBag { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
fragment T on TaxLine { title rate channelLiable priceSet { ...M } }
fragment A on MailingAddress { name address1 address2 city zip provinceCode countryCodeV2 phone company }
"""
"""An order as a reader may ask for it: what cannot answer this does not fit Shopify's schema."""


@dataclass(frozen=True)
class Query:
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: Document

    @property
    def writes(self) -> bool:
        return self.operation.operation.value == "mutation"

    @property
    def root_fields(self) -> list[str]:
        return [node.name.value for node in self.operation.selection_set.selections if isinstance(node, FieldNode)]


async def read_query(request: Request) -> Query | Response:
    """The request's operation, or Shopify's answer to one that cannot be read."""
    try:
        body = json.loads(await request.body())
        document = parse(body["query"])
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        named = body.get("operationName")
        chosen = next(each for each in operations if not named or (each.name and each.name.value == named))
    except (ValueError, KeyError, TypeError, StopIteration):
        return JSONResponse({"errors": {"query": "Required parameter missing or invalid"}}, 400)
    except GraphQLError as error:
        return JSONResponse({"errors": [shown_error(error)]})
    return Query(document, chosen, body.get("variables") or {})


def unauthorized() -> Response:
    text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
    return JSONResponse({"errors": text}, 401)


def declined(field: str, _: Request) -> Response:
    """A business no to a mutation, as the shop might say it."""
    if field == "fulfillmentCreate":
        error = {"field": ["fulfillment"], "message": "Fulfillment order has an unfulfillable status= on_hold."}
        return JSONResponse({"data": {field: {"fulfillment": None, "userErrors": [error]}}})
    refusal = {"field": ["input"], "message": "Declined by the sandbox.", "code": "INVALID"}
    return JSONResponse({"data": {field: {"userErrors": [refusal], "orderCancelUserErrors": [refusal]}}})


def too_costly(requested: int) -> Document:
    message = f"Query cost is {requested}, which exceeds the single query max cost limit ({LARGEST_QUERY})."
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": LARGEST_QUERY}
    return {"message": message, "extensions": extensions}


def shown_error(error: GraphQLError) -> Document:
    return dict(error.formatted)
