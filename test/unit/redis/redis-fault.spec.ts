import { describe, expect, it } from '@jest/globals';
import { connectionFault, replyFault } from '../../../src/redis/redis-fault.ts';

/** As Redis 6 to 8 and Valkey say it; reason, may it have been carried out, is this connection of no more use. */
const REPLIES: readonly (readonly [string, string, boolean, boolean])[] = [
  ["READONLY You can't write against a read only replica.", 'readonly', false, true],
  ["READONLY You can't write against a read only replica. script: 0f3, on @user_script:1.", 'readonly', false, true],
  [
    "ERR Error running script (call to f_0f3): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.",
    'readonly',
    false,
    true,
  ],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'masterdown', false, true],
  ['LOADING Redis is loading the dataset in memory', 'loading', false, true],
  ['CLUSTERDOWN Hash slot not served', 'clusterdown', false, true],
  ['NOAUTH Authentication required.', 'noauth', false, true],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'wrongpass', false, true],
  ['DENIED Redis is running in protected mode because …', 'denied', false, true],
  ['ERR max number of clients reached', 'maxclients', false, true],
  ['ERR AUTH <password> called without any password configured for the default user.', 'unexpected_password', false, true],
  ["NOPERM User app has no permissions to run the 'evalsha' command", 'noperm', true, false],
  ["ERR The user executing the script can't run this command or subcommand script: 0f3", 'noperm', true, false],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'oom', false, false],
  ['MISCONF Redis is configured to save RDB snapshots, but …', 'misconf', false, false],
  ['NOREPLICAS Not enough good replicas to write.', 'noreplicas', false, false],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', 'busy', false, false],
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'tryagain', false, false],
  ["CROSSSLOT Keys in request don't hash to the same slot", 'crossslot', false, false],
  ['MOVED 3999 10.0.0.1:6381', 'moved', false, false],
  ['NOSCRIPT No matching script. Please use EVAL.', 'noscript', false, false],
  ['ERR user_script:1: canary script: 0f3, on @user_script:1.', 'error_reply', true, false],
  ['CANARY of a module', 'error_reply', true, false],
  ['', 'error_reply', true, false],
];

describe('an error that Redis replies', () => {
  it.each(REPLIES)('%s', (message, reason, sent, leave) => {
    expect(replyFault(message)).toEqual({ reason, sent, leave });
  });

  it('is a word of ours, whatever the server says', () => {
    expect(REPLIES.every(([message]) => /^[a-z_]+$/.test(replyFault(message).reason))).toBe(true);
  });
});

describe('an error of the connection', () => {
  it('is told by its code, never by its text', () => {
    expect(connectionFault(Object.assign(new Error('canary'), { code: 'ECONNRESET' }), true)).toEqual({
      reason: 'econnreset',
      sent: true,
      leave: true,
    });
    expect(connectionFault(new Error('canary'), false)).toEqual({ reason: 'connection_lost', sent: false, leave: true });
  });
});
