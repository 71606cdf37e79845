// An issuer of OpenID Connect that somebody else has written: oidc-provider of npm, as tests/npm/oidc names it.
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { end } from './steps.mjs';

// The issuer for the hub at `base`. Undefined where npm cannot install it.
export async function issuer(build, base) {
  const folder = join(build, 'npm-oidc');
  const tests = join(build, '../../tests');
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(tests, 'npm/oidc/package.json'), join(folder, 'package.json'));
  copyFileSync(join(tests, 'identity/oidc_issuer.mjs'), join(folder, 'oidc_issuer.mjs'));
  try {
    execFileSync('flock', ['lock', 'npm', 'install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error'], { cwd: folder, stdio: 'ignore', timeout: 120_000 });
  } catch {
    return undefined;
  }
  const child = spawn(process.execPath, ['oidc_issuer.mjs', `${base}/`, 'pages'], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
  const [line] = await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', (text) => resolve([text])));
  return { address: JSON.parse(line).issuer, close: () => end(child) };
}
