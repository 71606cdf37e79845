import { useState } from 'preact/hooks';
import { t } from '../../base/i18n';
import { bytesOf, rowsOf, type SharedDocument } from '../../base/documents';
import { Empty, Failure, Icon, Time, Button, Dialog, DialogActs, DocumentMarks, Select } from '../../ui';
import { audience, audiences, docs, readDocs, upload, uploads, type Audience } from '../records';
import { isClinical, myId, nameOfPart, partOf } from '../visit';

const size = (bytes: number): string => (bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);

// One list for both sides: who shares a document sees it here, too.
export function Documents() {
  const [shown, setShown] = useState<{ doc: SharedDocument; url: string } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const view = async (doc: SharedDocument) => {
    setError(null);
    try {
      const url = URL.createObjectURL(await bytesOf(doc));
      if (doc.contentType.startsWith('image/')) {
        setShown({ doc, url });
        return;
      }
      const link = document.createElement('a');
      link.href = url;
      link.download = doc.title || `${doc.documentType.toLowerCase()}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (failed) {
      setError(failed);
    }
  };
  const clinical = isClinical.value;
  const hint = audience.value === 'all' ? t(clinical ? 'call_doc_hint_care' : 'call_doc_hint') : undefined;
  const close = () => {
    if (shown) URL.revokeObjectURL(shown.url);
    setShown(null);
  };
  return (
    <>
      <div class="panel-scroll stack stack-16" tabIndex={0}>
        {error !== null && <Failure error={error} />}
        {docs.value.length === 0 && uploads.value.length === 0 && <Empty icon="file" text={t('call_docs_empty')} />}
        <ul class="stack stack-8">
          {rowsOf(docs.value).map((doc) => (
            <li key={doc.id} class="doc">
              <Icon name="file" />
              <div class="grow"><p class="strong wraps"><bdi class="long">{doc.title || doc.documentType}</bdi></p>
                <p class="small muted"><bdi class="long">{nameOfPart(partOf(doc.sharedBy))}</bdi> · <Time at={doc.createdAt} /> · <bdi dir="ltr">{size(doc.bytes)}</bdi></p>
                <DocumentMarks doc={doc} clinical={clinical} own={partOf(doc.sharedBy)?.id === myId.value} acts={clinical} done={readDocs} /></div>
              <Button size="small" onPress={() => void view(doc)}>{t(doc.contentType.startsWith('image/') ? 'call_view' : 'call_save_file')}</Button>
            </li>
          ))}
          {uploads.value.map((one) => (
            <li key={one.key} class="doc">
              <Icon name="clip" />
              <div class="grow"><p class="strong wraps"><bdi class="long">{one.name}</bdi></p>
                {one.error
                  ? <p class="error" role="alert"><Icon name="alert" /> <span>{one.error}</span></p>
                  : <><progress class="progress" max={1} value={one.part} aria-label={t('call_uploading', { p: `${Math.round(one.part * 100)}%` })} /><p class="small muted" aria-hidden="true">{t('call_uploading', { p: `${Math.round(one.part * 100)}%` })}</p></>}</div>
              {one.error && <Button size="small" kind="plain" onPress={() => (uploads.value = uploads.value.filter(({ key }) => key !== one.key))}>{t('close')}</Button>}
            </li>
          ))}
        </ul>
      </div>
      <footer class="panel-write">
        <Select label={t('call_doc_for')} hint={hint} value={audience.value} onText={(value) => (audience.value = value as Audience)}
          options={audiences().map((one) => ({ value: one, text: t(`call_doc_for_${one}`) }))} />
        <label class="btn btn-primary file-pick"><Icon name="plus" /> <span>{t('call_share_doc')}</span>
          <input type="file" class="hidden" accept="image/*,application/pdf,.dcm,text/plain" onChange={(event) => {
            for (const file of event.currentTarget.files ?? []) void upload(file);
            event.currentTarget.value = '';
          }} /></label>
      </footer>
      <Dialog title={shown?.doc.title || t('call_documents')} open={!!shown} onClose={close}>
        {shown && <img class="doc-image" src={shown.url} alt={shown.doc.title || t('call_documents')} />}
        <DialogActs><Button onPress={close}>{t('close')}</Button></DialogActs>
      </Dialog>
    </>
  );
}
