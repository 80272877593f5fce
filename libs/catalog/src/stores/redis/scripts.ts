import { type Script as AnyScript, script } from '@pixtorrent/redis';
import type { KEYS } from './keys.ts';

export type Script = AnyScript<keyof typeof KEYS>;

const CHANGED = [
  ...(['names', 'order', 'entries', 'newest', 'numbers', 'retired'] as const),
  ...(['removed', 'removals', 'totals', 'changes'] as const),
];

/**
 * What changes a name. ARGV: feed, prefix of torrents, most removals and retired names, name; then its own.
 *
 * Changes are told and counted. The count begins at the time, so that it is another after a database was emptied. A
 * channel of sharded publish/subscribe need not be among the keys, but has to lie with them.
 */
function change(body: string): Script {
  return script(
    CHANGED,
    `
local feed, torrents, most, name = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local first, last = '[' .. name .. '\\0', '(' .. name .. '\\1'
local function keyOf(version)
  return name .. '\\0' .. version
end
local function versionOf(key)
  return string.sub(key, -10)
end
local function publishedOf(value)
  return tonumber(string.sub(value, 1, string.find(value, '\\n', 1, true) - 1))
end
local function milliseconds()
  local time = redis.call('TIME')
  return time[1] .. string.format('%03d', math.floor(time[2] / 1000))
end
redis.call('SET', changes, milliseconds(), 'NX')
local function tell(kind, key, value)
  redis.call('INCR', changes)
  redis.call('SPUBLISH', feed, kind .. redis.call('GET', changes) .. '\\n' .. key .. '\\n' .. value)
end
local function used(version)
  local before = redis.call('HGET', numbers, name) or redis.call('HGET', totals, 'floor') or 0
  redis.call('HSET', numbers, name, math.max(tonumber(before), tonumber(version)))
end
local function wasRemoved(key, published)
  return tonumber(redis.call('HGET', removed, key) or -1) >= published
end
local function remember(key, published)
  if wasRemoved(key, published) then return end
  redis.call('HSET', removed, key, string.format('%.0f', published))
  redis.call('ZADD', removals, redis.call('HINCRBY', totals, 'rank', 1), key)
  if redis.call('ZCARD', removals) > most then
    redis.call('HDEL', removed, redis.call('ZPOPMIN', removals)[1])
  end
end
local function put(key, value, torrent)
  redis.call('SET', torrents .. key, torrent)
  redis.call('HINCRBY', totals, 'bytes', #torrent)
  redis.call('HSET', entries, key, value)
  redis.call('ZADD', order, 0, key)
  redis.call('ZADD', names, 0, name)
  redis.call('ZREM', retired, name)
  used(versionOf(key))
  tell('+', key, value)
end
local function drop(key, value)
  redis.call('HINCRBY', totals, 'bytes', -redis.call('STRLEN', torrents .. key))
  redis.call('UNLINK', torrents .. key)
  redis.call('HDEL', entries, key)
  redis.call('ZREM', order, key)
  remember(key, publishedOf(value))
  tell('-', key, value)
end
-- Names its newest version, or that it has none.
local function settle()
  local key = redis.call('ZREVRANGEBYLEX', order, last, first, 'LIMIT', 0, 1)[1]
  if key then
    redis.call('HSET', newest, name, versionOf(key))
    return
  end
  redis.call('ZREM', names, name)
  redis.call('HDEL', newest, name)
  redis.call('ZADD', retired, 'NX', redis.call('GET', changes), name)
  while redis.call('ZCARD', retired) > most do
    local oldest = redis.call('ZPOPMIN', retired)[1]
    local number = tonumber(redis.call('HGET', numbers, oldest))
    if number > tonumber(redis.call('HGET', totals, 'floor') or 0) then
      redis.call('HSET', totals, 'floor', number)
    end
    redis.call('HDEL', numbers, oldest)
  end
end
${body}`,
  );
}

/** ARGV: most names, most versions, most bytes. */
const ROOM = (from: number) => `
local function lack(before, versions, bytes)
  if before == 0 and redis.call('ZCARD', names) >= tonumber(ARGV[${from}]) then return 'names' end
  if versions >= tonumber(ARGV[${from + 1}]) then return 'versions' end
  local total = tonumber(redis.call('HGET', totals, 'bytes') or 0)
  if total + bytes > tonumber(ARGV[${from + 2}]) then return 'bytes' end
end
`;

/**
 * ARGV: what every change has, draft, torrent, a version that is less than the new one, most names, versions and bytes.
 * Answers what there is no room for, or '', order key and entry.
 */
export const PUBLISH = change(`
local draft, torrent, after = ARGV[5], ARGV[6], tonumber(ARGV[7])
${ROOM(8)}
local published = tonumber(milliseconds())
local current = redis.call('HGET', newest, name)
if current then
  local key = keyOf(current)
  local value = redis.call('HGET', entries, key)
  if string.sub(value, string.find(value, '\\n', 1, true) + 1) == draft then return {'', key, value} end
  published = math.max(published, publishedOf(value) + 1)
end
local versions = redis.call('ZLEXCOUNT', order, first, last)
local lacking = lack(versions, versions, #torrent)
if lacking then return {lacking} end
local number = redis.call('HGET', numbers, name) or redis.call('HGET', totals, 'floor') or 0
local key = keyOf(string.format('%010d', math.max(tonumber(number), after) + 1))
local value = string.format('%.0f', published) .. '\\n' .. draft
put(key, value, torrent)
settle()
return {'', key, value}
`);

/** ARGV: what every change has, ten digits of a version or ''. Answers order keys and entries in turn. */
export const REMOVE = change(`
local keys = {keyOf(ARGV[5])}
if ARGV[5] == '' then keys = redis.call('ZRANGEBYLEX', order, first, last) end
local gone = {}
for _, key in ipairs(keys) do
  local value = redis.call('HGET', entries, key)
  if value then
    drop(key, value)
    gone[#gone + 1] = key
    gone[#gone + 1] = value
  end
end
if #gone > 0 then settle() end
return gone
`);

/**
 * ARGV: what every change has, ten digits of a version, when it was published, draft, torrent, most names, versions and
 * bytes. Answers what there is no room for; 'gone' where it stays away; or ''.
 */
export const RESTORE = change(`
local version, published, draft, torrent = ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8]
${ROOM(9)}
local key = keyOf(version)
if wasRemoved(key, published) then return {'gone'} end
local going, bytes = {}, #torrent
local keys = redis.call('ZRANGEBYLEX', order, first, last)
for _, other in ipairs(keys) do
  local value = redis.call('HGET', entries, other)
  local at = publishedOf(value)
  if other == key and at == published then return {''} end
  if at > published and versionOf(other) <= version then
    remember(key, published)
    used(version)
    return {'gone'}
  end
  if at < published and versionOf(other) >= version then
    going[#going + 1] = {other, value}
    bytes = bytes - redis.call('STRLEN', torrents .. other)
  end
end
local lacking = lack(#keys, #keys - #going, bytes)
if lacking then return {lacking} end
for _, one in ipairs(going) do drop(one[1], one[2]) end
put(key, ARGV[6] .. '\\n' .. draft, torrent)
settle()
return {''}
`);

/** ARGV: what every change has, ten digits of a version, when it was published. */
export const RESTORE_REMOVAL = change(`
local key, published = keyOf(ARGV[5]), tonumber(ARGV[6])
remember(key, published)
used(ARGV[5])
local value = redis.call('HGET', entries, key)
if value and publishedOf(value) <= published then drop(key, value) end
settle()
return {}
`);

/** ARGV: a rank, how many. Answers order keys, when they were published and their ranks in turn. */
export const REMOVALS = script(
  ['removed', 'removals'],
  `
local found = redis.call('ZRANGEBYSCORE', removals, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local answer = {}
for i = 1, #found, 2 do
  answer[#answer + 1] = found[i]
  answer[#answer + 1] = redis.call('HGET', removed, found[i])
  answer[#answer + 1] = found[i + 1]
end
return answer
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
