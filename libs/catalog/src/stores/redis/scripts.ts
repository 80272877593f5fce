import { createHash } from 'node:crypto';
import type { KEYS } from './keys.ts';

/** A script, and the keys that it is given, by their names in the script. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
  readonly keys: readonly (keyof typeof KEYS)[];
}

function script(keys: readonly (keyof typeof KEYS)[], body: string): Script {
  const text = `local ${keys.join(', ')} = unpack(KEYS)\n${body}`;
  return { text, sha1: createHash('sha1').update(text).digest('hex'), keys };
}

/**
 * Tells a change and counts it. The count begins at the time, so that it is another after a database was emptied.
 * A channel of sharded publish/subscribe need not be among the keys, but has to lie with them.
 */
const TELL = `
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] .. string.format('%03d', math.floor(time[2] / 1000))
end
local function tell(kind, key, value)
  redis.call('SET', changes, milliseconds(), 'NX')
  redis.call('INCR', changes)
  redis.call('SPUBLISH', feed, kind .. redis.call('GET', changes) .. '\\n' .. key .. '\\n' .. value)
end
`;

/**
 * ARGV: feed, prefix of torrents, name, draft, torrent, most names, most versions, most bytes.
 * Answers what there is no room for, or '', order key and entry.
 */
export const PUBLISH = script(
  ['names', 'order', 'entries', 'newest', 'numbers', 'retired', 'totals', 'changes'],
  `
local feed, torrents, name, draft, torrent = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
${TELL}
local current = redis.call('HGET', newest, name)
if current then
  local key = name .. '\\0' .. current
  local value = redis.call('HGET', entries, key)
  if string.sub(value, string.find(value, '\\n', 1, true) + 1) == draft then return {'', key, value} end
  local versions = redis.call('ZLEXCOUNT', order, '[' .. name .. '\\0', '(' .. name .. '\\1')
  if versions >= tonumber(ARGV[7]) then return {'versions'} end
elseif redis.call('ZCARD', names) >= tonumber(ARGV[6]) then
  return {'names'}
end
local bytes = tonumber(redis.call('HGET', totals, 'bytes') or 0)
if bytes + #torrent > tonumber(ARGV[8]) then return {'bytes'} end

local last = redis.call('HGET', numbers, name) or redis.call('HGET', totals, 'floor') or 0
local version = string.format('%010d', last + 1)
local key = name .. '\\0' .. version
local value = milliseconds() .. '\\n' .. draft
redis.call('SET', torrents .. key, torrent)
redis.call('HINCRBY', totals, 'bytes', #torrent)
redis.call('HSET', entries, key, value)
redis.call('ZADD', order, 0, key)
redis.call('ZADD', names, 0, name)
redis.call('HSET', newest, name, version)
redis.call('HSET', numbers, name, tonumber(version))
redis.call('ZREM', retired, name)
tell('+', key, value)
return {'', key, value}
`,
);

/** ARGV: feed, prefix of torrents, name, ten digits of a version or '', most retired names. Answers order keys and entries in turn. */
export const REMOVE = script(
  ['names', 'order', 'entries', 'newest', 'numbers', 'retired', 'totals', 'changes'],
  `
local feed, torrents, name, version, most = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
${TELL}
local first, last = '[' .. name .. '\\0', '(' .. name .. '\\1'
local keys = {name .. '\\0' .. version}
if version == '' then keys = redis.call('ZRANGEBYLEX', order, first, last) end
local gone = {}
for _, key in ipairs(keys) do
  local value = redis.call('HGET', entries, key)
  if value then
    redis.call('HINCRBY', totals, 'bytes', -redis.call('STRLEN', torrents .. key))
    redis.call('UNLINK', torrents .. key)
    redis.call('HDEL', entries, key)
    redis.call('ZREM', order, key)
    tell('-', key, value)
    gone[#gone + 1] = key
    gone[#gone + 1] = value
  end
end
if #gone == 0 then return gone end
local left = redis.call('ZREVRANGEBYLEX', order, last, first, 'LIMIT', 0, 1)[1]
if left then
  redis.call('HSET', newest, name, string.sub(left, -10))
  return gone
end
redis.call('ZREM', names, name)
redis.call('HDEL', newest, name)
redis.call('ZADD', retired, redis.call('GET', changes), name)
while redis.call('ZCARD', retired) > most do
  local oldest = redis.call('ZPOPMIN', retired)[1]
  local number = tonumber(redis.call('HGET', numbers, oldest))
  if number > tonumber(redis.call('HGET', totals, 'floor') or 0) then
    redis.call('HSET', totals, 'floor', number)
  end
  redis.call('HDEL', numbers, oldest)
end
return gone
`,
);

/** ARGV: name, ten digits of a version or ''. Answers order key and entry, or nothing. */
export const FIND = script(
  ['entries', 'newest'],
  `
local name, version = ARGV[1], ARGV[2]
if version == '' then version = redis.call('HGET', newest, name) end
if not version then return {} end
local key = name .. '\\0' .. version
local value = redis.call('HGET', entries, key)
if not value then return {} end
return {key, value}
`,
);

/** ARGV: 'all' or 'newest', where to begin in the order, how many. Answers order keys and entries in turn. */
export const LIST = script(
  ['names', 'order', 'entries', 'newest'],
  `
local found
if ARGV[1] == 'all' then
  found = redis.call('ZRANGEBYLEX', order, ARGV[2], '+', 'LIMIT', 0, ARGV[3])
else
  found = redis.call('ZRANGEBYLEX', names, ARGV[2], '+', 'LIMIT', 0, ARGV[3])
  if #found > 0 then
    local versions = redis.call('HMGET', newest, unpack(found))
    for i, name in ipairs(found) do found[i] = name .. '\\0' .. versions[i] end
  end
end
if #found == 0 then return found end
local values = redis.call('HMGET', entries, unpack(found))
local answer = {}
for i, key in ipairs(found) do
  answer[2 * i - 1] = key
  answer[2 * i] = values[i]
end
return answer
`,
);
