import { ENDPOINTS, allowedMethods, type EndpointModes, type EndpointRules } from './endpoints.ts';

const EVERY_METHOD: EndpointModes = { responseMode: 'form_post' };

/** The endpoint table of the documentation, in Markdown, from the rules that the guard reads. `base` is the default base path. */
export function endpointTable(base = '/bff'): string {
  const rows = Object.values(ENDPOINTS).map((rules: EndpointRules) => row(rules, base));
  return ['| Endpoint | Methods | What for | Guarded by | Answers |', '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n');
}

function row(rules: EndpointRules, base: string): string {
  const { summary, guard, answers } = rules.doc;
  const cells = [`\`${base}${rules.path}\``, allowedMethods(rules, EVERY_METHOD).join(', '), summary, guard, answers];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
