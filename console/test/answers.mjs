// Values of forms that are made from schemas, without a browser.
//   node test/answers.mjs
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ended, equal, test } from './steps.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const { outputFiles } = await build({ entryPoints: [join(here, '../src/ops/answers.ts')], bundle: true, write: false, format: 'esm' });
const { complete, isNested, membersOf } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);

// payer.claim.submit, in short.
const kClaim = {
  type: 'object', required: ['claim', 'outcome', 'adjudication', 'errors', 'final'],
  properties: {
    claim: { type: 'object', required: ['value'], properties: { value: { type: 'string' }, system: { type: 'string' } } },
    outcome: { enum: ['queued', 'complete'] }, adjudication: { enum: ['approved', null] }, errors: { type: 'array' }, final: { type: 'boolean' },
    totals: { type: 'object', properties: { taxHalalas: { type: 'integer' } } }, disposition: { type: ['string', 'null'] },
  },
};
await test('what is needed and was not typed is named by its place', () => {
  equal(complete(kClaim, {}), { value: { claim: {}, adjudication: null, errors: [] }, missing: ['claim/value', 'outcome', 'final'] }, 'nothing typed');
});
await test('what was typed becomes a value of the schema', () => {
  const typed = { 'claim/value': '4711', outcome: 'queued', adjudication: 'null', final: 'false', errors: '[{"code": "x"}]', 'totals/taxHalalas': '15' };
  equal(complete(kClaim, typed), { value: { claim: { value: '4711' }, outcome: 'queued', adjudication: null, errors: [{ code: 'x' }], final: false, totals: { taxHalalas: 15 } }, missing: [] }, 'all typed');
});
await test('what does not fit is named, in a group and in a list, too', () => {
  const typed = { 'claim/value': '4711', outcome: 'lost', final: 'maybe', errors: '{"code": "x"}', 'totals/taxHalalas': '1.5' };
  equal(complete(kClaim, typed).missing, ['outcome', 'errors', 'final', 'totals/taxHalalas'], 'wrong fields');
  equal(complete(kClaim, { ...typed, errors: '[' }).missing, ['outcome', 'errors', 'final', 'totals/taxHalalas'], 'no JSON');
});
await test('a group that may be left out is left out until something is typed in it', () => {
  const schema = { type: 'object', properties: { totals: { type: 'object', required: ['tax', 'all'], properties: { tax: { type: 'integer' }, all: { type: 'integer' } } } } };
  equal(complete(schema, { 'totals/tax': '' }), { value: {}, missing: [] }, 'nothing');
  equal(complete(schema, { 'totals/tax': '3' }).missing, ['totals/all'], 'a part of it');
});
await test('members that a schema only demands have a field, and a schema without members is typed whole', () => {
  equal(membersOf({ required: ['documents'] }), [['documents', {}]], 'members');
  equal(complete({ required: ['documents'] }, {}).missing, ['documents'], 'missing');
  equal(complete({ required: ['documents'] }, { documents: '[1]' }).value, { documents: [1] }, 'typed');
  equal(complete({}, { '': '{"a": 1}' }), { value: { a: 1 }, missing: [] }, 'whole');
  equal(complete({}, { '': '{' }).missing, [''], 'no JSON');
  equal(complete({}, {}), { value: {}, missing: [] }, 'nothing');
  equal(complete(undefined, { x: '1' }), { missing: [] }, 'no form');
  equal(isNested({ type: 'object' }), false, 'an object that says nothing of its members is one field');
});
await test('what has one value is given without a field', () => {
  equal(complete({ properties: { kind: { const: 'x' } } }, {}).value, { kind: 'x' }, 'const');
});
ended();
