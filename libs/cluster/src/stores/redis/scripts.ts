import { script } from '@pixtorrent/redis';

const ALL = ['nodes', 'holders', 'expiry', 'totals'] as const;

/**
 * Tells changes and counts them, and lets go whose time has run out. The count begins at the time, so that it is
 * another after a database was emptied. Time in which nobody could reach Redis is nobody's fault, and is given back:
 * else all nodes would be gone in the moment in which it is there again. A channel of sharded publish/subscribe need
 * not be among the keys, but has to lie with them.
 */
const SETTLE = `
local feed, longest = ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function tell(kind, name, value)
  redis.call('HSETNX', totals, 'changes', string.format('%.0f', now))
  local number = redis.call('HINCRBY', totals, 'changes', 1)
  redis.call('SPUBLISH', feed, kind .. string.format('%.0f', number) .. '\\n' .. name .. '\\n' .. value)
end
local function holdings(value)
  return tonumber(string.match(value, '^%d+'))
end
local function drop(name)
  local value = redis.call('HGET', nodes, name)
  redis.call('ZREM', expiry, name)
  redis.call('HDEL', nodes, name)
  redis.call('HDEL', holders, name)
  if value then redis.call('HINCRBY', totals, 'holdings', 0 - holdings(value)) end
  tell('-', name, '')
end
local gap = now - (redis.call('HGET', totals, 'seen') or now)
if gap > longest then
  for _, name in ipairs(redis.call('ZRANGE', expiry, 0, -1)) do redis.call('ZINCRBY', expiry, gap, name) end
end
redis.call('HSET', totals, 'seen', string.format('%.0f', now))
for _, name in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now)) do drop(name) end
`;

/**
 * ARGV: feed, longest pause, name, holder, '1' to take over, milliseconds it is good for, node, most nodes, most
 * holdings. Answers why not, or ''.
 */
export const PUT = script(
  ALL,
  `${SETTLE}
local name, holder, value = ARGV[3], ARGV[4], ARGV[7]
local known = redis.call('HGET', nodes, name)
if known then
  if ARGV[5] ~= '1' and redis.call('HGET', holders, name) ~= holder then return 'replaced' end
elseif redis.call('HLEN', nodes) >= tonumber(ARGV[8]) then
  return 'nodes'
end
local more = holdings(value) - (known and holdings(known) or 0)
if more > 0 and (redis.call('HGET', totals, 'holdings') or 0) + more > tonumber(ARGV[9]) then return 'holdings' end
redis.call('HINCRBY', totals, 'holdings', more)
redis.call('HSET', holders, name, holder)
redis.call('ZADD', expiry, now + ARGV[6], name)
if value ~= known then
  redis.call('HSET', nodes, name, value)
  tell('+', name, value)
end
return ''
`,
);

/** ARGV: feed, longest pause, name, holder. */
export const REMOVE = script(
  ALL,
  `${SETTLE}
if redis.call('HGET', holders, ARGV[3]) == ARGV[4] then drop(ARGV[3]) end
`,
);

/** ARGV: feed, longest pause. Answers the number of the last change. */
export const SWEEP = script(
  ALL,
  `${SETTLE}
return redis.call('HGET', totals, 'changes') or '0'
`,
);
