// Line quality as a word, and the steps that save the sound (docs/records.md, quality of the line).
import type { Level, Line, Sample } from './client/client';

export type Word = 'excellent' | 'good' | 'fair' | 'poor' | 'bad';
const kWords: Word[] = ['bad', 'poor', 'fair', 'good', 'excellent'];
const kFrom: [Word, number][] = [['excellent', 4.0], ['good', 3.6], ['fair', 3.1], ['poor', 2.6]];

// Mean opinion score by the E-model of ITU-T G.107: 1 to 4.5.
export function score({ lossPercent, jitterMs, rttMs }: Pick<Line, 'lossPercent' | 'jitterMs' | 'rttMs'>): number {
  const delay = rttMs / 2 + 2 * jitterMs + 20;
  const r = 93.2 - 0.024 * delay - 0.11 * Math.max(0, delay - 177.3) - (95 * lossPercent) / (lossPercent + 25.1);
  return r <= 0 ? 1 : 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r);
}
const rank = (word: Word): number => kWords.indexOf(word);
const least = (a: Word, b: Word): Word => (rank(a) < rank(b) ? a : b);

// The picture caps the word: frozen for more than a twentieth of the window is at most poor, fewer than 8 pictures a second fair.
export function wordOf(line: Line, over: number): Word {
  const mos = score(line);
  let word: Word = kFrom.find(([, from]) => mos >= from)?.[0] ?? 'bad';
  if (line.frozenMs && over && line.frozenMs / over > 0.05) word = least(word, 'poor');
  if (line.fps && line.fps < 8) word = least(word, 'fair');
  return word;
}

const kDownAfter = 2;
const kUpAfter = 3;

// The word that is shown: falls after two worse windows in a row, rises after three better ones.
export class Shown {
  private below = 0;
  private above = 0;
  word: Word = 'good';
  add(window: Word): Word {
    const step = rank(window) - rank(this.word);
    this.below = step < 0 ? this.below + 1 : 0;
    this.above = step > 0 ? this.above + 1 : 0;
    if (this.below >= kDownAfter || this.above >= kUpAfter) {
      this.word = window;
      this.below = this.above = 0;
    }
    return this.word;
  }
}

// Steps of giving up, in order. Sound is in none of them.
export type Step = { level: Level; own: boolean; others: boolean };
const kSteps: Step[] = [
  { level: 'hd', own: true, others: true },
  { level: 'high', own: true, others: true },
  { level: 'standard', own: true, others: true },
  { level: 'low', own: true, others: true },
  { level: 'low', own: false, others: true },
  { level: 'low', own: false, others: false },
];
const kLevelNames: Level[] = ['low', 'standard', 'high', 'hd'];
const kGoodForUp = 6;
const kRestMs = 30_000;

// Two bad windows go one step down; six good ones one up, not within half a minute of a step down, and not above the ceiling.
export class Ladder {
  private at = 1;
  private bad = 0;
  private good = 0;
  private fell = -Infinity;
  private top = 1;

  get step(): Step {
    return kSteps[this.at] as Step;
  }
  // Highest level that the hub or a host allows.
  ceiling(level: Level): Step {
    this.top = kSteps.findIndex((one) => one.level === level && one.own);
    this.at = Math.max(this.at, this.top);
    return this.step;
  }
  // The hub's advice to keep the sound alone.
  soundOnly(): Step {
    this.at = Math.max(this.at, 4);
    return this.step;
  }
  add(word: Word, now: number): Step {
    const isBad = rank(word) <= rank('poor');
    this.bad = isBad ? this.bad + 1 : 0;
    this.good = rank(word) >= rank('good') ? this.good + 1 : 0;
    if (this.bad >= 2 && this.at < kSteps.length - 1) {
      ++this.at;
      this.bad = 0;
      this.fell = now;
    } else if (this.good >= kGoodForUp && now - this.fell >= kRestMs && this.at > this.top) {
      --this.at;
      this.good = 0;
    }
    return this.step;
  }
}
export const isLevel = (name: unknown): name is Level => kLevelNames.includes(name as Level);

// Windows of ten seconds made of samples of two.
export class Windows {
  private samples: Sample[] = [];
  private over = 0;
  add(sample: Sample, length = 10_000): Sample | null {
    if (!sample.over) return null;
    this.samples.push(sample);
    this.over += sample.over;
    if (this.over < length * 0.95) return null;
    const { samples, over } = this;
    this.samples = [];
    this.over = 0;
    return { over, up: sum(samples.map(({ up }) => up)), down: sum(samples.map(({ down }) => down)) };
  }
}
function sum(all: (Line | null)[]): Line | null {
  const lines = all.filter((one): one is Line => !!one && one.packets > 0);
  const last = lines.at(-1);
  if (!last) return null;
  const mean = (of: (line: Line) => number): number => lines.reduce((total, one) => total + of(one), 0) / lines.length;
  const total = (of: (line: Line) => number): number => lines.reduce((so_far, one) => so_far + of(one), 0);
  return {
    ...last,
    lossPercent: mean((one) => one.lossPercent), jitterMs: mean((one) => one.jitterMs), rttMs: mean((one) => one.rttMs),
    kbps: mean((one) => one.kbps), packets: total((one) => one.packets), frozenMs: total((one) => one.frozenMs ?? 0),
    frames: total((one) => one.frames ?? 0), fps: mean((one) => one.fps ?? 0),
  };
}

// A window as the hub takes it.
export function reported(window: Sample, at: Date): object[] {
  const one = (line: Line | null, direction: 'up' | 'down'): object[] => (line ? [{
    at: at.toISOString(), windowSeconds: 10, direction, lossPercent: round(line.lossPercent), jitterMs: round(line.jitterMs),
    rttMs: round(line.rttMs), kbps: round(line.kbps),
    ...(line.availableKbps ? { availableKbps: round(line.availableKbps) } : {}),
    ...(line.width ? { width: line.width, height: line.height ?? 0, fps: round(line.fps ?? 0) } : {}),
  }] : []);
  return [...one(window.up, 'up'), ...one(window.down, 'down')];
}
const round = (value: number): number => Math.round(value * 10) / 10;
