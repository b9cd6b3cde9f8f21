/**
 * The one place that loads oidc-provider. While it loads it warns about every Node that is not an LTS release yet; that says
 * nothing to who tries the demo, so this one line is kept back.
 */
const warn = console.warn;
console.warn = (...words: unknown[]): void => {
  if (!String(words[0]).includes('Unsupported runtime')) warn(...words);
};
export const { Provider, interactionPolicy } = await import('oidc-provider');
console.warn = warn;
