import { useRef, useState } from 'preact/hooks';
import { isHeld, showFamily, type DocumentRow } from '../base/documents';
import { t } from '../base/i18n';
import { useAct } from '../base/load';
import { Button } from './Button';
import { Dialog, DialogActs, Failure, State } from './Feedback';

// Marks of a document that nobody looked at, or that the family does not see. `clinical`: for who treats the patient; `own`: for who shared it.
// `acts`: whoever reads may show it to the family now. `over`: nobody can any more.
export function DocumentMarks({ doc, clinical, own, acts, over, done }: { doc: DocumentRow; clinical: boolean; own: boolean; acts?: boolean; over?: boolean; done: () => Promise<void> }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const act = useAct();
  const held = isHeld(doc);
  const unscreened = clinical && doc.unscreened;
  if (!unscreened && !(held && own) && !(clinical && (held || doc.familySees))) return null;
  const show = () => act.run(async () => {
    try {
      await showFamily(doc);
    } catch (error) {
      // It may be done, and the answer was lost: the list says.
      await done().catch(() => undefined);
      throw error;
    }
    setOpen(false);
    await done();
    box.current?.focus();
  });
  return (
    <div class="marks row row-12 row-wrap" ref={box} tabIndex={-1}>
      {unscreened && <State tone="parked">{t('doc_unscreened')}</State>}
      {held && <State tone="waits" icon="eye">{t(clinical || over ? 'doc_held' : 'doc_waits')}</State>}
      {clinical && doc.familySees && <State tone="ok">{t('doc_family_sees')}</State>}
      {held && acts && <Button size="small" icon="people" onPress={() => setOpen(true)} aria-label={`${t('doc_show')}: ${doc.title || t('document')}`}>{t('doc_show')}</Button>}
      <Dialog title={t('doc_show_title')} open={open && held} onClose={() => setOpen(false)}>
        <p class="strong wraps"><bdi class="long">{doc.title || t('document')}</bdi></p>
        <p>{t('doc_show_more')}</p>
        {act.error !== undefined && <Failure error={act.error} />}
        <DialogActs>
          <Button onPress={() => setOpen(false)}>{t('close')}</Button>
          <Button kind="primary" busy={act.busy} onPress={() => void show()}>{t('doc_show')}</Button>
        </DialogActs>
      </Dialog>
    </div>
  );
}
