// Avalara's own npm client against a host of our choice: ping, a transaction, its end.
// Arguments: folder of the packages, base URL, account id, license key, company. Prints what happened as one JSON document.
const { createRequire } = require('node:module');
const [packages, base, account, license, company] = process.argv.slice(2);
const Avatax = createRequire(packages + '/package.json')('avatax');

async function main() {
  const names = { appName: 'tests', appVersion: '1.0', machineName: 'machine', environment: base };
  const client = new Avatax({ ...names, logOptions: { logEnabled: false } });
  client.withSecurity({ username: account, password: license });
  const ping = await client.ping();
  const address = { line1: '2201 Westlake Ave', city: 'Seattle', region: 'WA', country: 'US', postalCode: '98121' };
  const model = {
    type: 'SalesInvoice',
    code: 'INDEPENDENT-2',
    companyCode: company,
    date: '2026-11-23',
    customerCode: 'C-1',
    currencyCode: 'USD',
    addresses: { shipFrom: address, shipTo: address },
    lines: [{ number: '1', quantity: 2, amount: 100, itemCode: 'MUG', taxCode: 'P0000000' }],
  };
  const created = await client.createTransaction({ model });
  const end = { companyCode: company, transactionCode: created.code, model: { code: 'DocVoided' } };
  const voided = await client.voidTransaction(end);
  return { authenticated: ping.authenticated, code: created.code, tax: created.totalTax, status: voided.status };
}

main().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
