// A form made from a JSON schema: one field for each property that is a value; what is more than that is typed as JSON.
import { has, t, type Key } from '../base/i18n';
import { Field, Select, TextArea } from '../ui';

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
const typeOf = (one: Schema) => (Array.isArray(one.type) ? one.type.find((name) => name !== 'null') : one.type) ?? '';

// One text as the value that the schema wants; undefined if it is none.
function valueOf(one: Schema, text: string): unknown {
  const type = typeOf(one);
  if (one.enum) return one.enum.find((each) => String(each) === text);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (type === 'integer' || type === 'number') return text.trim() && Number.isFinite(Number(text)) && (type === 'number' || Number.isInteger(Number(text))) ? Number(text) : undefined;
  if (type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
// complete: the value that was typed so far, and the names of fields that are missing or wrong.
export function complete(schema: Schema | undefined, values: Record<string, string>): { value?: Record<string, unknown>; missing: string[] } {
  if (!schema) return { missing: [] };
  const value: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    const text = values[name] ?? '';
    if (one.const !== undefined) { value[name] = one.const; continue; }
    if (!text) { if (schema.required?.includes(name)) missing.push(name); continue; }
    const got = valueOf(one, text);
    if (got === undefined) missing.push(name);
    else value[name] = got;
  }
  return { value, missing };
}
// A text that may be longer than a line is written in lines, in the direction of its own words.
const kLine = 500;
// An answer that a workflow asked for.
const choiceText = (name: string, value: unknown) => (name === 'decision' && has(`decision_${value}`) ? t(`decision_${value}` as Key) : String(value));
export function SchemaFields({ legend, schema, values, onValue, missing }: { legend?: string; schema: Schema; values: Record<string, string>; onValue: (name: string, text: string) => void; missing: string[] }) {
  const fields = Object.entries(schema.properties ?? {}).filter(([, one]) => one.const === undefined);
  if (!fields.length) return null;
  return (
    <fieldset class="stack stack-8"><legend class={legend ? 'hidden' : 'label'}>{legend ?? t('output')}</legend>
      <div class="schema">
        {fields.map(([name, one]) => {
          const needed = schema.required?.includes(name);
          const type = typeOf(one);
          const common = { label: one.title ?? name, hint: [needed && t('required_word'), one.description].filter(Boolean).join(' · ') || undefined, error: missing.includes(name) ? t('field_wrong') : undefined, value: values[name] ?? '', onText: (text: string) => onValue(name, text), dir: 'ltr' };
          if (one.enum || type === 'boolean') return <Select key={name} {...common} options={[{ value: '', text: '—' }, ...(one.enum ?? [true, false]).map((each) => ({ value: String(each), text: choiceText(name, each) }))]} />;
          if (type === 'string' && Number(one.maxLength) > kLine) return <TextArea key={name} {...common} dir="auto" rows={5} maxLength={Number(one.maxLength)} />;
          if (type === 'string' || type === 'integer' || type === 'number') return <Field key={name} {...common} digits={type !== 'string'} autocomplete="off" />;
          return <TextArea key={name} {...common} hint={[common.hint, 'JSON'].filter(Boolean).join(' · ')} />;
        })}
      </div>
    </fieldset>
  );
}
