import type { Rotation } from './refresh-token-rotation.ts';

/** Enough for two replicas that spend the same refresh token to be within it. Milliseconds. */
const SAFE_LEEWAY_MS = 5000;

export interface GoingOnAloneOptions {
  /** `refresh.withoutCoordination`. */
  readonly withoutCoordination: 'auto' | 'wait' | 'risk';
  readonly providerLeeway: number;
  readonly rotation: { readonly seen: Rotation };
}

/**
 * Whether refresh tokens may be spent while the replicas cannot agree who spends which. Harmless where they never change, or where
 * the provider takes one twice within its leeway; elsewhere the second use ends the session (RFC 9700 §4.14.2).
 */
export function mayGoOnAlone({ withoutCoordination, providerLeeway, rotation }: GoingOnAloneOptions): boolean {
  if (withoutCoordination !== 'auto') return withoutCoordination === 'risk';
  return providerLeeway >= SAFE_LEEWAY_MS || rotation.seen === 'static';
}
