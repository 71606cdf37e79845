// The value of a form that is made from a JSON schema: what was typed, as text by the place of the field, such as "claim/system".
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  [more: string]: unknown;
}
const typesOf = (one: Schema) => (one.type === undefined ? [] : [one.type].flat());
export const typeOf = (one: Schema) => typesOf(one).find((name) => name !== 'null') ?? '';
export const mayBeNull = (one: Schema) => typesOf(one).includes('null') || !!one.enum?.includes(null);

// Members of an object: those that the schema describes, and those that it only demands.
export function membersOf(schema: Schema): [string, Schema][] {
  const told = Object.entries(schema.properties ?? {});
  return [...told, ...(schema.required ?? []).filter((name) => !told.some(([one]) => one === name)).map((name): [string, Schema] => [name, {}])];
}
// An object with members has a field for each of them.
export const isNested = (one: Schema) => one.const === undefined && !one.enum && ['object', ''].includes(typeOf(one)) && !!one.properties && membersOf(one).length > 0;
export const isNeeded = (schema: Schema, name: string) => !!schema.required?.includes(name);
// A list that is needed begins empty.
export const textOf = (one: Schema, needed: boolean, typed: string | undefined) => typed ?? (needed && typeOf(one) === 'array' ? '[]' : '');

// JSON; undefined if it is none.
export function parsed(text: string): { value?: unknown; wrong: boolean } {
  if (!text.trim()) return { wrong: false };
  try {
    return { value: JSON.parse(text), wrong: false };
  } catch {
    return { wrong: true };
  }
}
// One text as the value that the schema wants; undefined if it is none.
function valueOf(one: Schema, text: string): unknown {
  const type = typeOf(one);
  if (one.enum) return one.enum.find((each) => String(each) === text);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (type === 'integer' || type === 'number') return text.trim() && Number.isFinite(Number(text)) && (type === 'number' || Number.isInteger(Number(text))) ? Number(text) : undefined;
  if (type === 'string') return text;
  const { value } = parsed(text);
  const is = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  return !type || is === type || (is === 'null' && mayBeNull(one)) ? value : undefined;
}
// complete: the value that was typed so far, and the places of fields that are missing or wrong.
export function complete(schema: Schema | undefined, values: Record<string, string>, at = ''): { value?: unknown; missing: string[] } {
  if (!schema) return { missing: [] };
  const members = membersOf(schema);
  // A schema that says nothing of members: the whole value is typed at the place "".
  if (!at && !members.length && values['']?.trim()) {
    const { value, wrong } = parsed(values['']);
    return { value, missing: wrong ? [''] : [] };
  }
  const value: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const [name, one] of members) {
    const place = at + name;
    const needed = isNeeded(schema, name);
    if (one.const !== undefined) { value[name] = one.const; continue; }
    if (isNested(one)) {
      if (!needed && !Object.keys(values).some((typed) => typed.startsWith(`${place}/`) && values[typed])) continue;
      const inside = complete(one, values, `${place}/`);
      value[name] = inside.value;
      missing.push(...inside.missing);
      continue;
    }
    const text = textOf(one, needed, values[place]);
    if (!text && needed && mayBeNull(one)) { value[name] = null; continue; }
    if (!text) { if (needed) missing.push(place); continue; }
    const got = valueOf(one, text);
    if (got === undefined) missing.push(place);
    else value[name] = got;
  }
  return { value, missing };
}
