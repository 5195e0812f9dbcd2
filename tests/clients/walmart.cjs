// The npm client of Walmart's Marketplace API against a host of our choice: token, list, get, acknowledge, ship.
// Arguments: folder of the packages, base URL, client id, client secret. Prints what happened as one JSON document.
const { createRequire } = require('node:module');
const { randomUUID } = require('node:crypto');
const [packages, base, id, secret] = process.argv.slice(2);
const { Configuration, AuthenticationApi, OrdersApi } =
  createRequire(packages + '/package.json')('@whitebox-co/walmart-marketplace-api');

async function main() {
  const conf = new Configuration({ username: id, password: secret, basePath: base });
  const authorization = 'Basic ' + Buffer.from(`${id}:${secret}`).toString('base64');
  const common = () => ({ authorization, wMQOSCORRELATIONID: randomUUID(), wMSVCNAME: 'Walmart Marketplace' });
  const login = await new AuthenticationApi(conf, base).tokenAPI({ ...common(), grantType: 'client_credentials' });
  const signed = () => ({ ...common(), wMSECACCESSTOKEN: login.data.access_token });
  const api = new OrdersApi(conf, base);
  const listed = (await api.getAllOrders({ ...signed(), createdStartDate: '2020-01-01', limit: '100' })).data.list;
  const orders = listed.elements.order;
  const fresh = orders.find((order) => statusOf(order) === 'Created' && (order.shipNode || {}).type === 'SellerFulfilled');
  const purchaseOrderId = fresh.purchaseOrderId;
  await api.acknowledgeOrders({ ...signed(), purchaseOrderId });
  const taken = (await api.getAnOrder({ ...signed(), purchaseOrderId })).data;
  const inlineObject2 = { orderShipment: { orderLines: { orderLine: fresh.orderLines.orderLine.map(shipped) } } };
  await api.shippingUpdates({ ...signed(), purchaseOrderId, inlineObject2 });
  const gone = (await api.getAnOrder({ ...signed(), purchaseOrderId })).data;
  return {
    token: login.data.token_type,
    listed: orders.map((order) => order.purchaseOrderId),
    got: purchaseOrderId,
    states: [statusOf(fresh), statusOf(taken.order || taken), statusOf(gone.order || gone)],
  };
}

function statusOf(order) {
  return order.orderLines.orderLine[0].orderLineStatuses.orderLineStatus[0].status;
}

function shipped(line) {
  const trackingInfo = {
    shipDateTime: Date.now(),
    carrierName: { carrier: 'UPS' },
    methodCode: 'Standard',
    trackingNumber: '1Z000000001',
    trackingURL: 'https://www.ups.com/track?tracknum=1Z000000001',
  };
  const statusQuantity = line.orderLineQuantity;
  return {
    lineNumber: line.lineNumber,
    sellerOrderId: 'S-' + line.lineNumber,
    orderLineStatuses: { orderLineStatus: [{ status: 'Shipped', statusQuantity, trackingInfo }] },
  };
}

main().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error.message, JSON.stringify((error.response || {}).data));
    process.exit(1);
  },
);
