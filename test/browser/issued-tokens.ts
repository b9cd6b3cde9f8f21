import type { DevProvider } from '../../demo/provider/dev-provider.ts';

const KINDS = ['access_token', 'refresh_token', 'id_token'] as const;

/** The tokens that a provider hands out, noted in the answers of its token endpoint. */
export class IssuedTokens {
  readonly #tokens = new Map<string, Set<string>>(KINDS.map((kind) => [kind, new Set()]));

  constructor(provider: DevProvider) {
    provider.control.fail('token', { kind: 'rewrite', change: (answer) => this.#note(answer) });
  }

  count(kind: (typeof KINDS)[number]): number {
    return this.#tokens.get(kind)?.size ?? 0;
  }

  get all(): readonly string[] {
    return [...this.#tokens.values()].flatMap((tokens) => [...tokens]);
  }

  #note(answer: Readonly<Record<string, unknown>>): Record<string, unknown> {
    for (const [kind, tokens] of this.#tokens) {
      const token = answer[kind];
      if (typeof token === 'string') tokens.add(token);
    }
    return { ...answer };
  }
}
