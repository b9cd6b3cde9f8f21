import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The checkout, which is the build's context. */
export const root = join(import.meta.dirname, '../..');

export interface Step {
  readonly keyword: string;
  readonly argument: string;
}

export interface Stage {
  readonly name: string;
  readonly image: string;
  readonly steps: readonly Step[];
}

export interface Copy {
  /** The stage that is copied from; undefined is the context. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

/** The stages of the Dockerfile in order; the last one is the image. */
export function stages(text = readFileSync(join(root, 'Dockerfile'), 'utf8')): readonly Stage[] {
  const found: { name: string; image: string; steps: Step[] }[] = [];
  for (const { keyword, argument } of steps(text)) {
    if (keyword === 'FROM') {
      const [image = '', , name = `stage-${found.length}`] = argument.split(/\s+/);
      found.push({ name, image, steps: [] });
    } else {
      found.at(-1)?.steps.push({ keyword, argument });
    }
  }
  return found;
}

function steps(text: string): readonly Step[] {
  return text
    .replaceAll(/^\s*#.*$/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => /^([A-Z]+)\s+(.+)$/.exec(line.trim()))
    .flatMap((match) => (match === null ? [] : [{ keyword: match[1] ?? '', argument: match[2] ?? '' }]));
}

export const argumentsOf = (stage: Stage, keyword: string): readonly string[] =>
  stage.steps.filter((step) => step.keyword === keyword).map(({ argument }) => argument);

export function parseCopy(argument: string): Copy {
  const words = argument.split(/\s+/);
  const paths = words.filter((word) => !word.startsWith('--'));
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  return { from, sources: paths.slice(0, -1), target: paths.at(-1) ?? '.' };
}

/** The words of an instruction in exec form, such as `["node", "dist/cli.js"]`; undefined for the shell form. */
export function execForm(argument: string | undefined): readonly string[] | undefined {
  if (argument?.startsWith('[') !== true) return undefined;
  return JSON.parse(argument) as string[];
}
