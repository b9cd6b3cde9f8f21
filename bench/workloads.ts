import type { Workload } from './rows/under-load.ts';

/** Small signed-in GETs: what most requests of an application are. */
export function smallRequests(requests: number, connections: number): Workload {
  return { title: 'small GETs', request: { path: '/api/orders?page=2' }, requests, connections };
}

const SIZES = [
  { bytes: 100_000, label: '100 KB', requests: 4_000, connections: 16 },
  { bytes: 10_000_000, label: '10 MB', requests: 60, connections: 4 },
];

/** Large bodies, both ways; a round moves some hundred megabytes through each contender. */
export function bodyWorkloads(): readonly Workload[] {
  const down = SIZES.map(({ label, ...size }) => ({ ...size, title: `${label} down`, request: { path: `/api/body?bytes=${size.bytes}` } }));
  const up = SIZES.map(({ label, ...size }) => ({
    ...size,
    title: `${label} up`,
    request: { method: 'POST' as const, path: '/api/upload', body: Buffer.alloc(size.bytes, 'an umbrella to be kept; ') },
  }));
  return [...down, ...up];
}
