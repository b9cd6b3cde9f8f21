import { describe, expect, it } from '@jest/globals';
import { endpointTable } from '../../../src/auth/endpoint-docs.ts';
import { ENDPOINTS } from '../../../src/auth/endpoints.ts';

describe('the endpoint table of the documentation', () => {
  const rows = endpointTable().trimEnd().split('\n');

  it('has a row for every endpoint, with the methods the guard admits', () => {
    expect(rows).toHaveLength(Object.keys(ENDPOINTS).length + 2);
    expect(rows.find((row) => row.startsWith('| `/bff/callback` |'))).toContain('| GET, POST |');
    expect(rows.find((row) => row.startsWith('| `/bff/session` |'))).toContain('| GET, HEAD |');
  });

  it('has five cells in every row', () => {
    expect(rows.map((row) => row.replaceAll('\\|', '').split('|').length)).toEqual(rows.map(() => 7));
  });

  it('names the base path it is given', () => {
    expect(endpointTable('/auth')).toContain('`/auth/login`');
  });
});
