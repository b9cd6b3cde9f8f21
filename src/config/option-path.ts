export type OptionPath = readonly (string | number)[];

// A key out of a file may hold anything; a problem stays one short line.
const PRINTABLE = /^[A-Za-z0-9_.-]{1,64}$/;

/** `['cookie', 'keys', 0, 'secret']` → `cookie.keys[0].secret`. */
export function printPath(path: OptionPath): string {
  return path.reduce<string>((printed, step) => {
    if (typeof step === 'number') return `${printed}[${step}]`;
    const key = PRINTABLE.test(step) ? step : '(unprintable key)';
    return printed === '' ? key : `${printed}.${key}`;
  }, '');
}

/** `clientSecretFile` → `CLIENT_SECRET_FILE`. */
export const screamingSnake = (key: string): string => key.replaceAll(/[A-Z]/g, '_$&').toUpperCase();

/** Whether one printed path lies at, inside or around another. */
export function touches(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  return long.startsWith(short) && /^(?:$|[.[])/.test(long.slice(short.length));
}
