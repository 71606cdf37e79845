// Reads deliveries, one JSON object a line, and says for each whether the reference library of Standard Webhooks takes it.
const {Webhook} = require('standardwebhooks');
for (const line of require('fs').readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const one = JSON.parse(line);
  try {
    new Webhook(one.secret).verify(one.body, one.headers);
    console.log('good');
  } catch (error) {
    console.log('refused');
  }
}
