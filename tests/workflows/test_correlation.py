"""The correlation id of an order is on every line that its activities log."""

import structlog
from structlog.testing import capture_logs

from connectors.errors import Unavailable
from models.messages import OrderState
from tests.workflows.world import World, an_order


async def test_the_correlation_id_reaches_the_log_lines_of_every_kind_of_activity(world: World) -> None:
    world.erp.will_fail("create_order", Unavailable("away"))
    world.wms.will_fail("release", Unavailable("away"))
    order = an_order()
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        handle = await world.start(order)
        await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
        await world.pay(handle, order)
        await world.end(handle)
    ours = [line for line in lines if line.get("workflow_id") == order.key.workflow_id]
    failed = {line["activity"]: line for line in ours if line["event"] == "outside call failed"}
    assert set(failed) == {"create_erp_order", "release_to_wms"}
    for line in failed.values():
        assert line["correlation_id"] == str(order.correlation_id)
