import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../..');

export interface SourceFile {
  /** Relative to the checkout, such as `src/kernel/clock.ts`. */
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript file below the given folders of the checkout. */
export function sourceFiles(...folders: readonly string[]): readonly SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') })),
  );
}

export const lineCount = ({ text }: SourceFile): number => text.trimEnd().split('\n').length;

/** The length in lines of each function, method and arrow function with a body, named by file and line. */
export function functionSizes(file: SourceFile): readonly { readonly at: string; readonly lines: number }[] {
  const tree = parse(file);
  const sizes: { at: string; lines: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line;
      const last = tree.getLineAndCharacterOfPosition(node.end).line;
      sizes.push({ at: `${file.path}:${first + 1}`, lines: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return sizes;
}

const CONTAINERS = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']);
const READ_ONLY = /^(Readonly(Map|Set|Array)?\b|readonly\b)/;

/** Top-level state of a module that code could change: `let`, `var`, and containers whose type does not say read-only. */
export function mutableState(file: SourceFile): readonly string[] {
  return parse(file)
    .statements.filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) =>
      declarationList.declarations
        .filter((declaration) => (declarationList.flags & ts.NodeFlags.Const) === 0 || isMutableContainer(declaration))
        .map((declaration) => `${file.path}: ${declaration.name.getText()}`),
    );
}

function isMutableContainer({ type, initializer }: ts.VariableDeclaration): boolean {
  if (initializer === undefined || (type !== undefined && READ_ONLY.test(type.getText()))) return false;
  if (ts.isNewExpression(initializer)) return CONTAINERS.has(initializer.expression.getText());
  return ts.isArrayLiteralExpression(initializer) || (ts.isObjectLiteralExpression(initializer) && initializer.properties.length === 0);
}

const parse = (file: SourceFile): ts.SourceFile =>
  ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
