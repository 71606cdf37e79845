// Contact details of a patient: telephone, and the guardians of a child.
import { useState } from 'preact/hooks';
import { patch } from '../base/api';
import { t, type Key } from '../base/i18n';
import { useAct } from '../base/load';
import { Button, Card, Empty, Failure, Field, Icon, Notice, Select, State } from '../ui';
import type { Guardian, Person } from './model';

const kRelations: [string, Key][] = [['mother', 'kin_mother'], ['father', 'kin_father'], ['grandparent', 'kin_grandparent'], ['sibling', 'kin_sibling'], ['guardian', 'kin_guardian'], ['other', 'kin_else']];
const relationText = (name: string) => t(kRelations.find(([one]) => one === name)?.[1] ?? 'kin_else');
const kMost = 8;

function Edit({ person, etag, reason, close, done }: { person: Person; etag: string; reason: string; close: () => void; done: () => Promise<void> }) {
  const [phone, setPhone] = useState(person.phone ?? '');
  const [guardians, setGuardians] = useState<Guardian[]>(person.guardians ?? []);
  const [wrong, setWrong] = useState(false);
  const act = useAct();
  const change = (at: number, part: Partial<Guardian>) => { setWrong(false); setGuardians(guardians.map((one, i) => (i === at ? { ...one, ...part } : one))); };
  const save = () => act.run(async () => {
    const wanted = guardians.map((one) => ({ ...one, name: one.name.trim(), phone: one.phone.trim() }));
    if (wanted.some((one) => !one.name || !one.phone || !one.relation)) return setWrong(true);
    await patch(`/api/v1/patients/${encodeURIComponent(person.id)}`, { phone: phone.trim() || null, guardians: wanted }, { etag, reason });
    await done();
  });
  return (
    <form class="card stack stack-24" noValidate aria-label={t('contact')} onSubmit={(event) => { event.preventDefault(); void save(); }}>
      <Field label={t('contact_phone')} type="tel" digits inputMode="tel" value={phone} onText={setPhone} autocomplete="off" />
      {guardians.map((one, i) => (
        <fieldset key={i} class="field stack stack-12">
          <legend class="label">{t('guardian_number', { n: i + 1 })}</legend>
          <Field label={t('identifier_name')} value={one.name} onText={(name) => change(i, { name })} autocomplete="off" maxLength={200} required error={wrong && !one.name.trim() ? t('guardian_name_needed') : undefined} />
          <Field label={t('mobile')} type="tel" digits inputMode="tel" value={one.phone} onText={(text) => change(i, { phone: text })} autocomplete="off" required error={wrong && !one.phone.trim() ? t('guardian_phone_needed') : undefined} />
          <Select label={t('relation')} value={one.relation} onText={(relation) => change(i, { relation })} options={kRelations.map(([value, key]) => ({ value, text: t(key) }))} />
          <div class="row row-8 row-wrap">
            {i > 0 && <Button size="small" icon="up" onPress={() => setGuardians([one, ...guardians.filter((_, at) => at !== i)])}>{t('guardian_first')}</Button>}
            <Button size="small" kind="quiet" icon="x" onPress={() => setGuardians(guardians.filter((_, at) => at !== i))}>{t('guardian_remove')}</Button>
          </div>
        </fieldset>
      ))}
      {guardians.length < kMost && <p><Button icon="plus" onPress={() => setGuardians([...guardians, { name: '', phone: '', relation: 'mother' }])}>{t('guardian_add')}</Button></p>}
      {act.error !== undefined && <Failure error={act.error} />}
      <div class="row row-8"><Button kind="primary" submit busy={act.busy}>{t('contact_save')}</Button><Button onPress={close}>{t('cancel')}</Button></div>
    </form>
  );
}

// `own`: the patient's own record, in which the clinic writes these.
export function Contact({ person, etag, reason, own, again }: { person: Person; etag: string; reason: string; own?: boolean; again: () => Promise<void> }) {
  const [editing, edit] = useState(false);
  const [saved, setSaved] = useState(false);
  const guardians = person.guardians ?? [];
  if (editing) return <Edit person={person} etag={etag} reason={reason} close={() => edit(false)} done={async () => { await again(); setSaved(true); edit(false); }} />;
  return (
    <div class="stack stack-16">
      {saved && <Notice tone="ok" alert>{t('contact_saved')}</Notice>}
      <Card title={t('contact')} id="contact-h" acts={!own && <Button size="small" icon="pen" onPress={() => { setSaved(false); edit(true); }}>{t('contact_edit')}</Button>}
        foot={<p class="card-foot small muted">{t(own ? 'contact_own' : 'guardians_more')}</p>}>
        <ul class="rows">
          <li><Icon name="phone" /><div class="two grow"><span class="strong">{t('contact_phone')}</span><span>{person.phone ? <bdi dir="ltr">{person.phone}</bdi> : t('unknown')}</span></div></li>
          {guardians.map((one, i) => (
            <li key={i}><Icon name="user" /><div class="two grow"><span class="strong"><bdi>{one.name}</bdi></span><span>{relationText(one.relation)} · <bdi dir="ltr">{one.phone}</bdi></span></div>{i === 0 && <State tone="ok">{t('guardian_is_first')}</State>}</li>))}
        </ul>
        {!guardians.length && <Empty icon="people" text={t('guardians_none')} />}
      </Card>
    </div>
  );
}
