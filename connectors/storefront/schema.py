"""The contract as JSON Schema (2020-12) for those who send, and as the list of its fields for those who count drift."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from connectors.storefront import messages
from connectors.storefront.contract import StorefrontOrder, StorefrontPayout, StorefrontReturn
from connectors.storefront.wire import Document

ORDER_SCHEMA_ID = "https://orderyard.dev/contracts/storefront.order.schema.json"
_SPOKEN: tuple[type[Document], ...] = (
    StorefrontOrder,
    StorefrontReturn,
    StorefrontPayout,
    messages.PayoutHead,
    messages.AcknowledgementRequest,
    messages.ShipmentRequest,
    messages.CancellationRequest,
    messages.PayBackRequest,
    messages.DecisionRequest,
    messages.StockRequest,
    messages.StockAnswer,
    messages.Problem,
)


class _Plain(GenerateJsonSchema):
    """Without a title for each field that only says its name again."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def order_schema() -> dict[str, Any]:
    """What `docs/contracts/storefront.order.schema.json` holds."""
    schema = StorefrontOrder.model_json_schema(schema_generator=_Plain)
    return {"$schema": _Plain.schema_dialect, "$id": ORDER_SCHEMA_ID, **schema}


def components() -> dict[str, Any]:
    """The schemas of `docs/contracts/storefront.openapi.yaml`, by name."""
    wanted = [(model, "validation") for model in _SPOKEN]
    template = "#/components/schemas/{model}"
    _, found = models_json_schema(wanted, ref_template=template, schema_generator=_Plain)  # type: ignore[arg-type]
    return dict(sorted(found["$defs"].items()))


def known_fields(document: type[BaseModel]) -> frozenset[str]:
    """Each field's path, as `connectors/drift.py` wants it: `lines[].sku`; `extras.*` for free-form data."""
    return frozenset(_paths(document, ""))


def _paths(document: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in document.model_fields.items():
        path = f"{prefix}{name}"
        yield path
        for inner, marks in _inside(field.annotation):
            if inner is dict:
                yield f"{path}.*"
            else:
                yield from _paths(inner, f"{path}{marks}.")


def _inside(annotation: Any) -> Iterator[tuple[Any, str]]:
    """The documents in an annotation, each with `[]` when it stands in a list; `dict` for free-form data."""
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
    elif origin is dict:
        yield dict, ""
    elif origin is not None:
        marks = "[]" if origin is list else ""
        for argument in get_args(annotation):
            yield from ((inner, marks + more) for inner, more in _inside(argument))
