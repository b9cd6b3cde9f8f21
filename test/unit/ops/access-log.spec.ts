import { describe, expect, it } from '@jest/globals';
import { AccessLog } from '../../../src/ops/access-log.ts';

const fact = { requestId: '01JD0000000000000000000000', method: 'GET', route: '/api', status: 200, durationMs: 3 };

describe('the access log', () => {
  it('writes one JSON line for each request, in one write for many', () => {
    const writes: string[] = [];
    let now = Date.UTC(2030, 0, 1, 12, 0, 0, 7);
    const log = new AccessLog({ write: (lines) => writes.push(lines), now: () => now });
    log.add(fact);
    now += 1_500;
    log.add({ ...fact, status: 401 });
    expect(writes).toEqual([]);
    log.flush();
    expect(writes).toHaveLength(1);
    expect(
      (writes[0] ?? '')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { level: 'info', time: '2030-01-01T12:00:00.007Z', event: 'access', ...fact },
      { level: 'info', time: '2030-01-01T12:00:01.507Z', event: 'access', ...fact, status: 401 },
    ]);
  });

  it('writes by itself when the batch is full, and nothing twice', () => {
    const writes: string[] = [];
    const log = new AccessLog({ write: (lines) => writes.push(lines), now: () => 0 });
    for (let i = 0; i < 200; i++) log.add(fact);
    const before = writes.length;
    log.flush();
    log.flush();
    expect(before).toBeGreaterThan(0);
    expect(
      writes
        .join('')
        .split('\n')
        .filter((line) => line !== ''),
    ).toHaveLength(200);
  });
});
