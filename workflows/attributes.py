"""Search attributes: what an operator can filter by in the Temporal UI. No personal data: they are never encrypted."""

from datetime import datetime

from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from models.order import Order

CHANNEL = SearchAttributeKey.for_keyword("Channel")
ACCOUNT = SearchAttributeKey.for_keyword("Account")
ORDER_STATE = SearchAttributeKey.for_keyword("OrderState")
CASE_KIND = SearchAttributeKey.for_keyword("CaseKind")
CORRELATION_ID = SearchAttributeKey.for_keyword("CorrelationId")
NODE = SearchAttributeKey.for_keyword("Node")
SHIP_BY: SearchAttributeKey[datetime] = SearchAttributeKey.for_datetime("ShipBy")


def of_new_order(order: Order) -> TypedSearchAttributes:
    """The attributes an order is started with."""
    attributes = TypedSearchAttributes(
        [
            SearchAttributePair(CHANNEL, order.key.channel),
            SearchAttributePair(ACCOUNT, order.key.account),
            SearchAttributePair(ORDER_STATE, "received"),
            SearchAttributePair(CORRELATION_ID, str(order.correlation_id)),
        ]
    )
    return attributes.updated(SearchAttributePair(SHIP_BY, order.ship_by)) if order.ship_by else attributes
