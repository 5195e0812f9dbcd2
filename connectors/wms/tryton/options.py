"""What the connection says about a warehouse's Tryton."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.registry import ConnectionsError, SystemConnection


class WarehouseOptions(BaseModel):
    """`options` of the connection; `docs/warehouse.md` explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str
    company: int
    """Id of the company that runs the warehouses; its key is the credential `key`."""
    concurrency: int = Field(default=4, ge=1)
    """Writes at once, of one worker."""

    @classmethod
    def of(cls, connection: SystemConnection) -> WarehouseOptions:
        try:
            return cls.model_validate(connection.options)
        except ValidationError as error:
            raise ConnectionsError(f"wms: tryton: options: {error}") from error
