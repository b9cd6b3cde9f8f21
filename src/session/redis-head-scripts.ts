import type { SharedScript } from './shared-scripts.ts';

/*
 * Two keys a session, with one hash tag: a hash of facts until the absolute limit, and the sealed ticket for as long as it may be
 * handed over. Both go by themselves. Times are milliseconds, of the store's own clock: the one that all replicas share.
 *
 *   g generation of the head   s set at   c confirmed at   e the session's end   m mark of its ticket
 *   lg lo lu lp  the lease: its generation, its owner, until when, and when its token was sent
 *   dg ds da do  the doubt: its generation, since when, whether its sender vanished, and who that was
 */
const PRELUDE = `
local head, ticket = KEYS[1], KEYS[2]
local now = tonumber(ARGV[1])
if now < 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function ms(number) return string.format('%.0f', number) end
local function facts(...)
  local values = redis.call('HMGET', head, ...)
  for i, value in ipairs(values) do values[i] = tonumber(value) end
  return values
end
local function age(moment) return moment and math.max(now - moment, 0) or -1 end
local function outlive(life)
  if redis.call('PTTL', head) < life then redis.call('PEXPIRE', head, ms(life)) end
end
`;

const HANDED_OVER = `
local function handedOver(f, handover, idle)
  local since, window = f[2], idle
  if f[3] then since, window = f[3], handover end
  return now - since < window and redis.call('GET', ticket)
end
`;

const CONFIRM = `
local function confirm(generation, confirmAfter, handover)
  local f = facts('g', 's', 'c')
  if f[1] ~= generation or f[3] or now - f[2] < confirmAfter then return end
  redis.call('HSET', head, 'c', ms(now))
  if redis.call('PTTL', ticket) > handover then redis.call('PEXPIRE', ticket, ms(handover)) end
end
`;

/** Kept by every claim, so that it goes only when nothing is left that it could speak of. */
const EPOCH_LIFE_MS = 30 * 24 * 3_600_000;

/** Since when the store has known what it knows: a store that was emptied begins anew. */
const EPOCH = `
local function epochOf(key)
  local epoch = tonumber(redis.call('GET', key) or nil)
  if not epoch then
    epoch = now
    redis.call('SET', key, ms(now), 'PX', '${String(EPOCH_LIFE_MS)}')
  elseif redis.call('PTTL', key) < ${String(EPOCH_LIFE_MS / 2)} then
    redis.call('PEXPIRE', key, '${String(EPOCH_LIFE_MS)}')
  end
  return epoch
end
`;

/** ARGV: now. KEYS[1]: since when the store has known what it knows. */
export const BEGUN: SharedScript = {
  name: 'begun',
  lua: `${PRELUDE}${EPOCH}
return epochOf(KEYS[1])
`,
};

/**
 * ARGV: now, generation, owner, lease, end of the session, handover, confirmAfter, idle, how long a store that has begun anew gives
 * no lease for a session that it does not know. KEYS[3]: since when it has known what it knows; absent where keys lie on several nodes.
 */
export const CLAIM: SharedScript = {
  name: 'claim',
  lua: `${PRELUDE}${CONFIRM}${HANDED_OVER}${EPOCH}
local generation, owner, lease, endsAt = tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local handover, confirmAfter, idle = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local f = facts('g', 's', 'c', 'e')
if f[4] and now >= f[4] then
  redis.call('DEL', head, ticket)
  f = {}
end
local l = facts('lg', 'lu', 'lp', 'dg', 'ds', 'da')
local holder = redis.call('HGET', head, 'lo')
local isOurs = holder == owner and l[1] == generation
if l[2] and l[2] - now > lease then
  -- The clock was set back: no lease is longer than this from now on.
  l[2] = now + lease
  redis.call('HSET', head, 'lu', ms(l[2]))
end
local left = l[2] and now < l[2] and not isOurs and l[2] - now
if f[1] and f[1] > generation then
  local sealed = handedOver(f, handover, idle)
  if sealed then return {'newer', f[1], sealed, age(f[2]), age(f[3])} end
  redis.call('DEL', ticket)
  if left then return {'busy', left} end
  return {'superseded', f[1]}
end
confirm(generation, confirmAfter, handover)
if left then return {'busy', left} end
local gather = tonumber(ARGV[9])
if KEYS[3] and not f[1] and gather > 0 then
  -- Another process may know better, and has not been able to say so yet.
  local left = epochOf(KEYS[3]) + gather - now
  if left > 0 then return {'busy', math.min(left, gather)} end
end
if generation > math.max(f[1] or 0, 1) then
  redis.call('HDEL', head, 'm')
  redis.call('HSET', head, 'g', ms(generation), 's', ms(now), 'c', ms(now), 'e', ms(f[4] or endsAt))
  redis.call('DEL', ticket)
end
local since, abandoned, sender = nil, 0, ''
if l[4] == generation then since, abandoned, sender = l[5], l[6], redis.call('HGET', head, 'do') or '' end
if l[1] == generation and l[3] and not isOurs then
  -- Who takes an older doubt along cannot clear it alone.
  sender = since and '' or holder
  since, abandoned = since or l[3], 1
end
redis.call('HDEL', head, 'dg', 'ds', 'da', 'do')
if not isOurs then redis.call('HDEL', head, 'lp') end
redis.call('HSET', head, 'lg', ms(generation), 'lo', owner, 'lu', ms(now + lease))
if since then redis.call('HSET', head, 'dg', ms(generation), 'ds', ms(since), 'da', ms(abandoned), 'do', sender) end
outlive(math.max(endsAt - now, lease))
return {'granted', age(since), abandoned, f[1] or 0}
`,
};

/** ARGV: now, generation, owner, lease. 1 when the lease is the owner's. */
export const SPENDING: SharedScript = {
  name: 'spending',
  lua: `${PRELUDE}
local l = facts('lg', 'lu', 'lp')
if l[1] ~= tonumber(ARGV[2]) or redis.call('HGET', head, 'lo') ~= ARGV[3] or now >= l[2] then return 0 end
-- A script that has begun to free room is not stopped for want of room: the claim was not either.
redis.call('HDEL', head, '-')
redis.call('HSET', head, 'lu', ms(now + tonumber(ARGV[4])), 'lp', ms(l[3] or now))
return 1
`,
};

const KEEP_TICKET = `
local function keepTicket(wrapped, mark, endsAt, handover, idle)
  local f = facts('s', 'c')
  local left = f[2] and handover - (now - f[2]) or idle - (now - f[1])
  if left < 1 or not redis.call('SET', ticket, wrapped, 'PX', ms(math.min(left, endsAt - now)), 'NX') then return end
  redis.call('HSET', head, 'm', mark)
end
`;

/**
 * ARGV: now, generation, ticket, its mark, end of the session, handover, idle. 1 when it is the head's. A generation that the browser
 * has presented before this word of it is there without its ticket: what is left of the handover is for those who are behind it.
 */
export const PUBLISH: SharedScript = {
  name: 'publish',
  lua: `${PRELUDE}${KEEP_TICKET}
local generation, mark, endsAt = tonumber(ARGV[2]), ARGV[4], tonumber(ARGV[5])
local handover, idle = tonumber(ARGV[6]), tonumber(ARGV[7])
local f = facts('g', 'lg', 'e')
if endsAt <= now or (f[3] and now >= f[3]) then
  redis.call('DEL', head, ticket)
  f = {}
end
if endsAt <= now then return 1 end
if f[1] == generation then
  keepTicket(ARGV[3], mark, endsAt, handover, idle)
  local kept = redis.call('HGET', head, 'm')
  return (kept == mark or not kept) and 1 or 0
end
if generation <= math.max(f[1] or 0, f[2] or 0) then return 0 end
redis.call('DEL', head, ticket)
redis.call('HSET', head, 'g', ms(generation), 's', ms(now), 'e', ms(endsAt))
redis.call('PEXPIRE', head, ms(endsAt - now))
keepTicket(ARGV[3], mark, endsAt, handover, idle)
return 1
`,
};

/** ARGV: now, generation, ticket ('': none), its mark, end of the session, handover, idle, age of the head, how long ago it was confirmed (-1: not). */
export const RESTORE: SharedScript = {
  name: 'restore',
  lua: `${PRELUDE}${KEEP_TICKET}
local generation, endsAt = tonumber(ARGV[2]), tonumber(ARGV[5])
local setAge, confirmedAge = tonumber(ARGV[8]), tonumber(ARGV[9])
local f = facts('g', 'lg', 'c')
if endsAt <= now or generation < (f[1] or 0) then return 0 end
if generation > (f[1] or 0) then
  if (f[2] or 0) < generation then redis.call('DEL', head) end
  redis.call('DEL', ticket)
  redis.call('HDEL', head, 'c', 'm')
  redis.call('HSET', head, 'g', ms(generation), 's', ms(now - setAge), 'e', ms(endsAt))
  redis.call('PEXPIRE', head, ms(endsAt - now))
  f[3] = nil
end
if confirmedAge >= 0 and not f[3] then redis.call('HSET', head, 'c', ms(now - confirmedAge)) end
if ARGV[3] ~= '' then keepTicket(ARGV[3], ARGV[4], endsAt, tonumber(ARGV[6]), tonumber(ARGV[7])) end
return 1
`,
};

/** ARGV: now, generation, confirmAfter, handover. */
export const CONFIRMED: SharedScript = {
  name: 'confirm',
  lua: `${PRELUDE}${CONFIRM}
confirm(tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
return 1
`,
};

/**
 * ARGV: now, generation, owner, doubtful (0 or 1). An owner who was cut off, and whose lease somebody else has taken meanwhile, says
 * here that it has not vanished.
 */
export const RELEASE: SharedScript = {
  name: 'release',
  lua: `${PRELUDE}
local generation, owner, doubtful = tonumber(ARGV[2]), ARGV[3], ARGV[4] == '1'
local l = facts('lg', 'lp', 'dg', 'ds')
local doubted = l[3] == generation
local sender = redis.call('HGET', head, 'do') or ''
if doubted and sender == owner then
  if doubtful then redis.call('HSET', head, 'da', '0') else redis.call('HDEL', head, 'dg', 'ds', 'da', 'do') end
end
if l[1] ~= generation or redis.call('HGET', head, 'lo') ~= owner then return 0 end
if doubtful and doubted then redis.call('HSET', head, 'do', '') end
if doubtful and not doubted then redis.call('HSET', head, 'dg', ms(generation), 'ds', ms(l[2] or now), 'da', '0', 'do', owner) end
redis.call('HDEL', head, 'lg', 'lo', 'lu', 'lp')
return 1
`,
};

export const FORGET: SharedScript = {
  name: 'forget',
  lua: `return redis.call('DEL', KEYS[1], KEYS[2])`,
};

/** ARGV: now, handover, idle. The head as it stands: generation, its age, how long ago it was confirmed (-1: not), its ticket. */
export const PEEK: SharedScript = {
  name: 'peek',
  lua: `${PRELUDE}${HANDED_OVER}
local f = facts('g', 's', 'c', 'e')
if not f[1] or now >= f[4] then return {} end
return {f[1], age(f[2]), age(f[3]), handedOver(f, tonumber(ARGV[2]), tonumber(ARGV[3])) or ''}
`,
};
