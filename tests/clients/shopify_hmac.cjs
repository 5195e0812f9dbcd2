// Shopify's own Node library says of each delivery on standard input whether it is from Shopify.
// Arguments: folder of the packages, the app's secret. Input: a JSON list of {headers, body (base64)}.
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const [packages, secret] = process.argv.slice(2);
const load = createRequire(packages + '/package.json');
load('@shopify/shopify-api/adapters/node');
const { shopifyApi, ApiVersion } = load('@shopify/shopify-api');

async function main() {
  const shopify = shopifyApi({
    apiKey: 'key',
    apiSecretKey: secret,
    apiVersion: Object.values(ApiVersion)[0],
    hostName: 'orderyard.example',
    isEmbeddedApp: false,
    logger: { level: 0 },
  });
  const told = [];
  for (const { headers, body } of JSON.parse(readFileSync(0, 'utf-8'))) {
    const rawBody = Buffer.from(body, 'base64').toString('utf-8');
    const rawRequest = { method: 'POST', url: '/webhooks', headers };
    told.push(await shopify.webhooks.validate({ rawBody, rawRequest, rawResponse: {} }));
  }
  return told;
}

main().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
