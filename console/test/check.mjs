// Rules that need no browser: types, texts in both languages, styles. Exits with 1 and says what to mend.
//   node test/check.mjs
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { kCallShots, kShots } from './shots.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const faults = [];
const fault = (text) => faults.push(text);
const files = (folder) => readdirSync(join(here, folder), { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? files(join(folder, one.name)) : [join(folder, one.name)]));
const read = (path) => readFileSync(join(here, path), 'utf8');

const kForms = ['zero', 'one', 'two', 'few', 'many', 'other'];
// Words that Arabic text writes in Latin letters.
const kLatin = /\b(rabt users bootstrap|rabt|JavaScript|TLS|ICD-10|QR)\b/g;
// Arabic as the pages write it: one word and one spelling for one thing, digits and marks of one kind, and no verb for men alone.
const kArabic = [
  [/زيار/, 'a visit is موعد before it and استشارة afterwards'], [/مكتب الدعم/, 'the service desk is الدعم الفني'],
  [/سجلّ|ملفّ|متصفّح|نصّ|ملخّص|وليّ|التحقّق/, 'these words have no shadda'], [/(^|[.،] )تحقق /, 'the order is تحقّق'],
  [/(^| )(طبيبا|فورا|أولا|أيضا|دائما|مجددا|غدا)(?=$|[ .،:])|ثوان(?=$|[ .،:])/, 'the tanween is written'],
  [/[٠-٩۰-۹]/, 'digits are Latin'], [/(?<!\d)[,;?]/, 'the marks are ، ؛ ؟'], [/هل تريد/, 'a question to everybody is a noun: إلغاء هذا الموعد؟'],
];
const kCounted = /\{\w+\} (ثانية|ثوان|دقيقة|دقائق|ساعة|يوم|شخص|حرف|سنة|موعد|مرة)/;
const texts = {};
const stems = new Set();
// The texts of the clinic and the call, then those of the console alone.
for (const name of ['', 'console.']) {
  const en = JSON.parse(read(`strings/${name}en.json`));
  const ar = JSON.parse(read(`strings/${name}ar.json`));
  for (const key of Object.keys(en)) {
    if (!(key in ar)) fault(`strings/${name}ar.json has no "${key}"`);
    if (key in texts) fault(`strings/${name}en.json has "${key}", which strings/en.json has`);
  }
  for (const key of Object.keys(ar)) if (!(key in en)) fault(`strings/${name}en.json has no "${key}"`);
  for (const key of Object.keys(en)) if (key.endsWith('_other')) stems.add(key.slice(0, -6));
  for (const stem of stems) for (const form of kForms) if (!(`${stem}_${form}` in en) && !(`${stem}_${form}` in texts)) fault(`"${stem}" has no form _${form}: a text with a number has six`);
  for (const [key, text] of Object.entries(ar)) {
    const latin = text.replace(/\{\w+\}/g, '').replace(kLatin, '').match(/[A-Za-z]{2,}/);
    if (latin) fault(`strings/${name}ar.json "${key}" has Latin letters: ${latin[0]}`);
    for (const [pattern, why] of kArabic) if (pattern.test(text)) fault(`strings/${name}ar.json "${key}": ${text.match(pattern)[0].trim()}: ${why}`);
    if (kCounted.test(text) && !new RegExp(`_(${kForms.join('|')})$`).test(key)) fault(`strings/${name}ar.json "${key}" counts, and has one form of six`);
    const placed = (of) => [...new Set(of.match(/\{\w+\}/g) ?? [])].filter((one) => one !== '{n}').sort().join();
    if (placed(text) !== placed(en[key] ?? '')) fault(`"${key}" places other values in Arabic than in English`);
  }
  Object.assign(texts, en);
}
// Each question that a shipped workflow or the hub asks has its words, and each of its answers: words of its own, or the same for each
// question.
const slug = (title) => title.replaceAll('.', '_').replaceAll('-', '_');
const asked = new Map(); // title: answers
const ask = (titles, answers) => titles.forEach((title) => asked.set(title, new Set([...(asked.get(title) ?? []), ...answers])));
const words = (text, pattern) => [...(text ?? '').matchAll(pattern)].map(([, one]) => one);
const kFlows = readdirSync(join(here, '../workflows')).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'));
let opened = 0;
for (const name of kFlows) {
  const text = read(`../workflows/${name}`);
  const lines = text.split('\n');
  for (const [at, line] of lines.entries()) {
    const call = /^( *)call: (open:1\.0\.0@task|decide:1\.0\.0@session)/.exec(line);
    if (!call) continue;
    ++opened;
    // Up to the next key beside `with`.
    const from = lines.findIndex((one, i) => i > at && one.startsWith(`${call[1]}with:`));
    const end = lines.findIndex((one, i) => i > from && one.trim() && one.search(/\S/) <= call[1].length);
    const block = lines.slice(from, end < 0 ? undefined : end).join('\n');
    const given = /\banswers: (\$\{.*|\[[^\]]*\])/.exec(block)?.[1];
    const answers = words(given?.replace(/\$\{.*? then /, ''), /([a-z][a-z-]*)(?=["\],])/g);
    if (call[2].startsWith('decide')) {
      if (!answers.length) fault(`workflows/${name}:${at + 1}: test/check.mjs finds no answers of the question`);
      for (const one of answers) if (!(`decision_${one}` in texts)) fault(`strings/console.en.json has no "decision_${one}", an answer of workflows/${name}`);
      continue;
    }
    const title = /\btitle: (>-\n.*|.*)/.exec(block)?.[1];
    const titles = words(title?.includes('${') ? title.replaceAll(/== "[^"]*"/g, '') : `"${title}"`, /"([a-z]+\.[a-z-]+)"/g);
    if (!titles.length) fault(`workflows/${name}:${at + 1}: test/check.mjs finds no title of the task`);
    ask(titles, given ? answers : ['seen']);
    if (given && !answers.length) fault(`workflows/${name}:${at + 1}: test/check.mjs finds no answers of the task`);
  }
}
if (!opened) fault('test/check.mjs finds no task that a workflow opens');
const hub = (folder) => readdirSync(join(here, '..', folder), { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? hub(`${folder}/${one.name}`) : one.name.endsWith('.cpp') ? [`../${folder}/${one.name}`] : []));
for (const path of hub('hub/consultation')) {
  const text = read(path);
  const forms = words(text, /form_of\(\{([^}]*)\}\)/g).flatMap((one) => words(one, /"([a-z-]+)"/g));
  for (const title of words(text, /\.title = "([a-z]+\.[a-z-]+)"/g)) ask([title], forms.length ? forms : ['seen']);
}
for (const [title, answers] of asked) {
  if (!(`task_${slug(title)}` in texts)) fault(`strings/console.en.json has no "task_${slug(title)}", a question that is asked`);
  for (const one of answers) {
    const own = `outcome_${slug(title)}_${one}`;
    if (!(own in texts) && !(`outcome_${one}` in texts)) fault(`strings/console.en.json has no "${own}", an answer to ${title}`);
  }
}
const sources = files('src').filter((path) => ['.ts', '.tsx'].includes(extname(path)));
const all = sources.map(read).join('\n');
for (const key of Object.keys(texts)) {
  const name = key.replace(/_(zero|one|two|few|many|other)$/, (form) => (stems.has(key.slice(0, -form.length)) ? '' : form));
  const families = /^(away|problem|status|type|role|event|specialty|consent|factor|admission|rx|recording|day|find|theme|call|check|instance|health|plugin|todo|since|entry|task_kind|failure|outcome|held|timer|find_by|task|decision|task_state|group|delivery|approval|approval_act|grant|webhook|bucket|may|result|told|isolation|deploying|differs|reading|readings|purpose|proof|identifier|repair|replay|repair_verb|repair_act|delivery_was|delivery_settled|severity|channel|req|paper_told|paper_outcome|paper_link|let_go|ending)_/;
  if (!families.test(name) && !new RegExp(`['"\`]${name}['"\`]`).test(all)) fault(`no page says "${key}"`);
}
for (const path of sources) {
  const text = read(path);
  for (const [pattern, why] of [
    [/\sstyle=/, 'style= is refused by the policy of the pages: use a class'],
    [/dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML/, 'no markup from text'],
    // A call remembers ids of devices.
    ...(path.startsWith('src/call/') ? [] : [[/localStorage|sessionStorage|indexedDB/, 'nothing is kept in the browser but cookies of language and theme']]),
    [/console\.(log|info|warn|error|debug)/, 'nothing is written to the console'],
  ])
    if (pattern.test(text)) fault(`${path}: ${why}`);
}
for (const path of files('src').filter((one) => extname(one) === '.css')) {
  const text = read(path).replace(/\/\*[\s\S]*?\*\//g, '');
  for (const [at, line] of text.split('\n').entries()) {
    if (/(^|[\s;{-])(left|right)\s*:|(margin|padding|border)-(left|right)|text-align:\s*(left|right)|float:/.test(line)) fault(`${path}:${at + 1}: left and right do not turn round: ${line.trim()}`);
    if (!path.endsWith('tokens.css') && /#[0-9a-f]{3,8}\b/i.test(line)) fault(`${path}:${at + 1}: colours stand in tokens.css alone: ${line.trim()}`);
  }
}
// Each route of the pages has a row in a document, and each row is a route; each row of docs/clinic.md has a picture that a test draws
// again, and a document shows each picture.
const documents = ['README.md', ...readdirSync(join(here, '../docs')).filter((one) => one.endsWith('.md')).map((one) => `docs/${one}`)].map((path) => read(`../${path}`)).join('\n');
// Addresses of the table of a document.
const rows = (document) => [...read(`../${document}`).matchAll(/^\| `\/.*$/gm)].flatMap(([row]) => [...row.split('|')[1].matchAll(/`([^`]+)`/g)].map(([, address]) => address));
const routes = (source) => {
  const tables = [...read(source).matchAll(/^const \w+: \[string, FunctionComponent<.*>\]\[\] = \[\n([\s\S]*?)^\];$/gm)];
  const lines = tables.flatMap(([, table]) => table.trimEnd().split('\n'));
  if (!lines.length) fault(`${source} has no table of routes that test/check.mjs can read`);
  return lines.flatMap((line) => {
    const address = /^ {2}\['(\/[\w/:-]*)', [^[]*\],$/.exec(line)?.[1];
    if (!address) fault(`${source}: test/check.mjs reads one route in each line, and not: ${line.trim()}`);
    return address ?? [];
  });
};
// /clinic/days/:id and /clinic/days/<day> are one.
const shape = (address) => address.replace(/#.*|\?.*/, '').replace(/:\w+|<[\w-]+>/g, '<>');
const kOthers = { 'docs/clinic.md': ['/call/<id>', '/console'], 'docs/console.md': [] };
for (const [document, source] of [['docs/clinic.md', 'src/clinic/App.tsx'], ['docs/console.md', 'src/ops/App.tsx']]) {
  const [named, known] = [rows(document), routes(source)];
  for (const route of known) if (!named.some((one) => shape(one) === shape(route))) fault(`${source} has ${route}, which no row of ${document} names`);
  for (const one of named) if (!kOthers[document].includes(one) && !known.some((route) => shape(route) === shape(one))) fault(`${document} names ${one}, which is no route of ${source}`);
}
for (const address of rows('docs/clinic.md'))
  if (!kOthers['docs/clinic.md'].includes(address) && !kShots.some(({ page }) => page === address)) fault(`docs/clinic.md names ${address}, of which test/shots.mjs has no picture`);
for (const { page } of kShots) if (!rows('docs/clinic.md').includes(page)) fault(`test/shots.mjs draws ${page}, which no row of docs/clinic.md names`);
const drawn = [...kShots.map(({ name }) => name), ...Object.keys(kCallShots)];
for (const name of drawn) if (!existsSync(join(here, `../docs/pictures/${name}.png`))) fault(`docs/pictures has no ${name}.png; ./dev pictures makes it`);
for (const file of readdirSync(join(here, '../docs/pictures'))) {
  if (!documents.includes(`pictures/${file})`)) fault(`no document shows docs/pictures/${file}`);
  if (!file.startsWith('console') && !drawn.includes(file.replace('.png', ''))) fault(`no test draws docs/pictures/${file}`);
}
try {
  execFileSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', here], { encoding: 'utf8' });
} catch (error) {
  fault(`types:\n${error.stdout}`);
}
for (const text of faults) console.log(text);
console.log(faults.length ? `${faults.length} faults` : `pages: ${Object.keys(texts).length} texts in both languages, styles and types are good`);
process.exitCode = faults.length ? 1 : 0;
