"""What buyers send back, as the returns report tells it: a row for each listing of a return."""

from __future__ import annotations

from datetime import datetime

from models.money import Money
from sandbox.amazon_answers import Payload, now
from sandbox.amazon_refunds import Components
from sandbox.amazon_shelf import AmazonShelf, order_key
from sandbox.core import Sandbox

COLUMNS = (
    "Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID", "Merchant RMA ID",
    "Label type", "Label cost", "Currency code", "Return carrier", "Tracking ID", "Label to be paid by", "A-to-Z Claim",
    "Is prime", "ASIN", "Merchant SKU", "Item Name", "Return quantity", "Return Reason", "In policy", "Return type",
    "Resolution", "Invoice number", "Return delivery date", "Order Amount", "Order quantity", "SafeT Action reason",
    "SafeT claim id", "SafeT claim state", "SafeT claim creation time", "SafeT claim reimbursement amount",
    "Refunded Amount",
)  # fmt: skip


class AmazonReturns:
    """A buyer who returns does so as soon as the order is shipped. Amazon approves at once, as it does in policy."""

    def __init__(self, sandbox: Sandbox, shelf: AmazonShelf) -> None:
        self._ledger = sandbox.ledger
        self._shelf = shelf
        self._returns = sandbox.shelf.collection("amazon_returns")
        shelf.listeners.append(self._heard)

    def refunded(self, order: Payload, item_id: str, components: Components) -> None:
        """A return is closed with the refund of its item."""
        for rma, entry in [(rma, self._returns.get(rma)) for rma in list(self._returns)]:
            if entry and entry["order"] == order["orderId"] and entry["item"] == item_id and not entry["refunded"]:
                amounts = list(components.values())
                total = Money.total(amounts, amounts[0].currency)
                self._returns.put(rma, {**entry, "status": "Closed", "refunded": str(total.amount)})

    def report(self, start: datetime, end: datetime) -> str:
        """The flat file of the returns that were requested in between."""
        found = [entry for entry in self._returns.values() if start <= datetime.fromisoformat(entry["at"]) <= end]
        lines = [COLUMNS, *(self._row(entry) for entry in found)]
        return "\n".join("\t".join(line) for line in lines) + "\n"

    def _heard(self, record: Payload, is_new: bool) -> None:
        waits = record.get("returns") and not is_new
        if waits and record["order"]["fulfillment"]["fulfillmentStatus"] == "SHIPPED":
            self._shelf.keep({**record, "returns": False})
            self._request(record["order"])

    def _request(self, order: Payload) -> None:
        rma = f"D{len(self._returns) + 1:06d}RRMA"
        item = next(each for each in order["orderItems"] if each["fulfillment"]["quantityFulfilled"])
        entry = {"rma": rma, "order": order["orderId"], "item": item["orderItemId"], "at": now().isoformat()}
        self._returns.put(rma, {**entry, "status": "Approved", "units": 1, "refunded": ""})
        self._ledger.record("amazon", "return_requested", order_key(order["orderId"]), rma=rma, units=1)

    def _row(self, entry: Payload) -> tuple[str, ...]:
        record = self._shelf.get(entry["order"])
        assert record is not None
        order = record["order"]
        item = next(each for each in order["orderItems"] if each["orderItemId"] == entry["item"])
        total = order.get("proceeds", {}).get("grandTotal", {})
        cells = {
            "Order ID": entry["order"],
            "Order date": _day(order["createdTime"]),
            "Return request date": _day(entry["at"]),
            "Return request status": entry["status"],
            "Amazon RMA ID": entry["rma"],
            "Label type": "AmazonUnPaidLabel",
            "Currency code": total.get("currencyCode", ""),
            "Return carrier": "UPS",
            "Tracking ID": f"1Z{entry['rma']}",
            "Label to be paid by": "Customer",
            "A-to-Z Claim": "N",
            "Is prime": "Y" if "PRIME" in order.get("programs", []) else "N",
            "ASIN": item["product"].get("asin", ""),
            "Merchant SKU": item["product"].get("sellerSku", ""),
            "Item Name": item["product"].get("title", ""),
            "Return quantity": str(entry["units"]),
            "Return Reason": "CR-UNWANTED_ITEM",
            "In policy": "Y",
            "Return type": "C-Returns",
            "Resolution": "StandardRefund",
            "Order Amount": total.get("amount", ""),
            "Order quantity": str(item["quantityOrdered"]),
            "Refunded Amount": entry["refunded"],
        }
        return tuple(cells.get(column, "").replace("\t", " ") for column in COLUMNS)


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%d-%b-%Y}"
