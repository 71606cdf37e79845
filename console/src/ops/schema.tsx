// A form made from a JSON schema: one field for each property that is a value, a group for an object; what is more than that is typed as
// JSON.
import { has, t, type Key } from '../base/i18n';
import { Field, Select, TextArea } from '../ui';
import { isNeeded, isNested, membersOf, textOf, typeOf, type Schema } from './answers';

// A text that may be longer than a line is written in lines, in the direction of its own words.
const kLine = 500;
// An answer that a workflow asked for.
const choiceText = (name: string, value: unknown) => (name === 'decision' && has(`decision_${value}`) ? t(`decision_${value}` as Key) : String(value));

interface Typed {
  values: Record<string, string>;
  onValue: (place: string, text: string) => void;
  missing: string[];
}
function Member({ name, place, one, needed, ...typed }: { name: string; place: string; one: Schema; needed: boolean } & Typed) {
  const label = one.title ?? name;
  const hint = [needed && t('required_word'), one.description].filter(Boolean).join(' · ') || undefined;
  if (isNested(one))
    return (
      <fieldset class="stack stack-8 schema-group"><legend class="label"><bdi>{label}</bdi></legend>
        {hint && <span class="hint">{hint}</span>}
        <Members schema={one} at={`${place}/`} {...typed} />
      </fieldset>
    );
  const type = typeOf(one);
  const common = { label, hint, error: typed.missing.includes(place) ? t('field_wrong') : undefined, value: textOf(one, needed, typed.values[place]), onText: (text: string) => typed.onValue(place, text), dir: 'ltr' };
  if (one.enum || type === 'boolean') return <Select {...common} options={[{ value: '', text: '—' }, ...(one.enum ?? [true, false]).map((each) => ({ value: String(each), text: choiceText(name, each) }))]} />;
  if (type === 'string' && Number(one.maxLength) > kLine) return <TextArea {...common} dir="auto" rows={5} maxLength={Number(one.maxLength)} />;
  if (type === 'string' || type === 'integer' || type === 'number') return <Field {...common} digits={type !== 'string'} autocomplete="off" />;
  return <TextArea {...common} hint={[common.hint, 'JSON'].filter(Boolean).join(' · ')} />;
}
function Members({ schema, at = '', ...typed }: { schema: Schema; at?: string } & Typed) {
  return (
    <div class="schema">
      {membersOf(schema).filter(([, one]) => one.const === undefined).map(([name, one]) => <Member key={name} name={name} place={at + name} one={one} needed={isNeeded(schema, name)} {...typed} />)}
    </div>
  );
}
// whole: a schema without members is the whole answer, typed as JSON.
export function SchemaFields({ legend, schema, whole, ...typed }: { legend?: string; schema: Schema; whole?: boolean } & Typed) {
  if (!membersOf(schema).length) return whole ? <TextArea label={t('output')} hint={t('output_more')} value={typed.values[''] ?? ''} onText={(text) => typed.onValue('', text)} error={typed.missing.includes('') ? t('output_wrong') : undefined} dir="ltr" class="mono" /> : null;
  if (membersOf(schema).every(([, one]) => one.const !== undefined)) return null;
  return <fieldset class="stack stack-8"><legend class={legend ? 'hidden' : 'label'}>{legend ?? t('output')}</legend><Members schema={schema} {...typed} /></fieldset>;
}
