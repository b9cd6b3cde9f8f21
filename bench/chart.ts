import type { Spread } from './statistics.ts';

export interface Bar extends Spread {
  readonly name: string;
}

const WIDTH = 720;
const LEFT = 150;
const BAR = 30;
const GAP = 18;
const TOP = 44;

/** Horizontal bars with the quartiles as whiskers, as an SVG document that needs no script. */
export function chart(bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ q3 }) => q3));
  const scale = (WIDTH - LEFT - 90) / most;
  const height = TOP + bars.length * (BAR + GAP);
  const rows = bars.map((bar, index) => row(bar, TOP + index * (BAR + GAP), scale));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(WIDTH)} ${String(height)}" font-family="system-ui,sans-serif" font-size="14">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="16" y="26" font-weight="600" fill="#1b1f2a">Signed-in GETs per CPU-second of the process (more is better)</text>`,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function row({ name, median, q1, q3 }: Bar, y: number, scale: number): string {
  const middle = y + BAR / 2;
  const from = LEFT + q1 * scale;
  const to = LEFT + q3 * scale;
  const fill = name === 'Cloakroom' ? '#8a1c3b' : '#b9b4a8';
  return [
    `<text x="${String(LEFT - 10)}" y="${String(middle + 5)}" text-anchor="end" fill="#1b1f2a">${name}</text>`,
    `<rect x="${String(LEFT)}" y="${String(y)}" width="${(median * scale).toFixed(1)}" height="${String(BAR)}" rx="4" fill="${fill}"/>`,
    `<path d="M${from.toFixed(1)} ${String(middle)}H${to.toFixed(1)}M${from.toFixed(1)} ${String(middle - 5)}v10M${to.toFixed(1)} ${String(middle - 5)}v10" stroke="#1b1f2a"/>`,
    `<text x="${(to + 8).toFixed(1)}" y="${String(middle + 5)}" fill="#1b1f2a">${median.toFixed(0)}</text>`,
  ].join('\n');
}
