import type { DevProvider } from '../../demo/provider/dev-provider.ts';

const KINDS = ['access_token', 'refresh_token', 'id_token'] as const;

/** The tokens that a provider hands out, noted in the answers of its token endpoint. */
export class IssuedTokens {
  readonly #tokens = new Map<string, string[]>(KINDS.map((kind) => [kind, []]));

  constructor(provider: DevProvider) {
    provider.control.fail('token', { kind: 'rewrite', change: (answer) => this.#note(answer) });
  }

  /** How many were handed out; two that were signed in the same second may be equal. */
  count(kind: (typeof KINDS)[number]): number {
    return this.#tokens.get(kind)?.length ?? 0;
  }

  get all(): readonly string[] {
    return [...this.#tokens.values()].flat();
  }

  #note(answer: Readonly<Record<string, unknown>>): Record<string, unknown> {
    for (const [kind, tokens] of this.#tokens) {
      const token = answer[kind];
      if (typeof token === 'string') tokens.push(token);
    }
    return { ...answer };
  }
}
