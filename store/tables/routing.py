"""The nodes that ship, and the versions of the rules by which one is chosen."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from models.nodes import Node
from models.routing import RoutingRules
from store.tables import columns


class NodeRow(SQLModel, table=True):
    """A node as it is now, `models.nodes.Node`; each decision keeps the nodes that it was made from."""

    __tablename__ = "node"

    name: str = columns.key()
    body: dict[str, Any] = columns.document()
    updated_at: datetime = columns.now()

    def node(self) -> Node:
        return Node.model_validate(self.body)


class RoutingRulesRow(SQLModel, table=True):
    """A version of the rules, `models.routing.RoutingRules`. Rows are added, never changed."""

    __tablename__ = "routing_rules"
    __table_args__ = (CheckConstraint("version >= 1", name="routing_rules_version"),)

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    in_force_from: datetime = columns.moment()
    body: dict[str, Any] = columns.document()
    applied_by: str = columns.text()
    applied_at: datetime = columns.now()

    def rules(self) -> RoutingRules:
        return RoutingRules.model_validate(self.body)
