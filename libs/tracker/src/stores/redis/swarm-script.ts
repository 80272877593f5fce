/**
 * A swarm in Redis, and how a script changes it. Its keys, after the swarm's prefix:
 *
 * - `:h` the head, a packed string: sizes of the four arrays, downloads, times, see `HEAD`
 * - `:L4` `:S4` `:L6` `:S6` arrays of records, one for each role and address family. A record is the peer ID, the traits
 *   (`PeerTrait`) and the endpoint in compact form. Slots are dense: a joining peer takes the slot of a random other
 *   one, which moves to the end; the last one moves to where somebody leaves. So the order is always a random one,
 *   and a range of slots is a fair draw that costs one command, however large the swarm is. Behind the last slot
 *   may be what was.
 * - `:i` the index, a hash from endpoint to slot (4 bytes) and identity: peer ID, traits, the exponent of the bytes left
 *   (255 for none), length of the zone, zone, node. Empty for a peer that has left lately: who hears of it at second
 *   hand is to know that it has.
 * - `:e` a sorted set of the endpoints in the index by when they are to be forgotten
 * - `:d` a hash from exponent of bytes left to leechers
 * - `:n4NODE` `:N4NODE` `:z4ZONE` `:Z4ZONE` (and 6) sets of the records of one node or zone, the capital ones of leechers
 *   only; there are none without labels
 * - `:c` is no key but the channel of changes
 *
 * A call that Redis comes to late, for having been stopped, counts for when it was sent: what was said since, and has come
 * by another way, stands. What is told at second hand always does, for it is compared with what others have said.
 *
 * Should Redis evict one of the keys and not the others, a script fails sooner or later; then all go (`WIPE`), and the swarm
 * is made anew by those who announce.
 *
 * Who must be dropped by now is never counted or handed out: a script that finds more than it may drop at once does
 * only that, and is called again. `oldest` saves looking: nobody is due before. Should the sweep never come by, keys
 * end by themselves after `life`.
 *
 * KEYS[1]: the swarm. ARGV[2]: milliseconds in place of Redis's time, or ''.
 */
export const SWARM = `
local p, call, sub, byte = KEYS[1], redis.call, string.sub, string.byte
local pack, unpick, floor, random = struct.pack, struct.unpack, math.floor, math.random
local time = call('TIME')
local stamp = time[1] * 1000000 + time[2]
local now = tonumber(ARGV[2]) or floor(stamp / 1000)
local HEAD, NEVER, LATE = '<I4I4I4I4I4I4I4ddddd', 1e15, 100
local H, I, E = p .. ':h', p .. ':i', p .. ':e'

local n = {}
local completed, announces, before, first, expires, oldest, indexed, minute
local head = call('GET', H)
if head then
  n.L4, n.S4, n.L6, n.S6, completed, announces, before, first, expires, oldest, indexed, minute = unpick(HEAD, head)
else
  n.L4, n.S4, n.L6, n.S6, completed, announces, before = 0, 0, 0, 0, 0, 0, 0
  first, expires, oldest, indexed, minute = 0, 0, NEVER, 0, 0
end
if expires <= now then completed, announces, before, first = 0, 0, 0, NEVER end
local changed, news, dropped, life, heard = false, {}, 0, 0, now

local function wipe()
  call('DEL', H, I, E, p .. ':d', p .. ':L4', p .. ':S4', p .. ':L6', p .. ':S6')
end

local function tell(kind, record, endpoint)
  changed = true
  news[#news + 1] = kind .. record .. string.char(#endpoint) .. endpoint
end

local function save()
  local packed = pack(HEAD, n.L4, n.S4, n.L6, n.S6, completed, announces, before, first, expires, oldest, indexed, minute)
  if head then call('SETRANGE', H, 0, packed) else call('SET', H, packed, 'PX', life) end
  if news[1] then call('SPUBLISH', p .. ':c', table.concat(news)) end
end

local function kindOf(traits, endpoint)
  return (traits % 2 == 1 and 'S' or 'L') .. (#endpoint == 6 and '4' or '6')
end

local function count(identity, by)
  local exponent = byte(identity, 22)
  if exponent < 255 and byte(identity, 21) % 2 == 0 then call('HINCRBY', p .. ':d', exponent, by) end
end

local function near(identity, endpoint, leechers)
  local length = byte(identity, 23)
  local zone, node = sub(identity, 24, 23 + length), sub(identity, 24 + length)
  local family = #endpoint == 6 and '4' or '6'
  local n, z = ':n', ':z'
  if leechers then n, z = ':N', ':Z' end
  return node ~= '' and p .. n .. family .. node, zone ~= '' and p .. z .. family .. zone
end

local function label(identity, endpoint, command)
  if #identity == 23 then return end
  local record = sub(identity, 1, 21) .. endpoint
  for role = 0, 1 - byte(identity, 21) % 2 do
    for _, key in pairs({near(identity, endpoint, role == 1)}) do
      if key then
        call(command, key, record)
        if command == 'SADD' then call('PEXPIRE', key, life) end
      end
    end
  end
end

local function move(array, from, to, width)
  local record = call('GETRANGE', array, from * width, from * width + width - 1)
  call('SETRANGE', array, to * width, record)
  local endpoint = sub(record, 22)
  call('HSET', I, endpoint, pack('<I4', to) .. sub(call('HGET', I, endpoint), 5))
end

local function drop(endpoint, value)
  local kind, slot = kindOf(byte(value, 25), endpoint), unpick('<I4', value)
  local array, width, top = p .. ':' .. kind, 21 + #endpoint, n[kind] - 1
  n[kind] = top
  if top == 0 then
    call('DEL', array)
  else
    if slot < top then move(array, top, slot, width) end
    if top % 64 == 0 and call('STRLEN', array) > 4 * top * width then
      call('SET', array, call('GETRANGE', array, 0, top * width - 1), 'KEEPTTL')
    end
  end
  local identity = sub(value, 5)
  count(identity, -1)
  label(identity, endpoint, 'SREM')
end

local function place(endpoint, identity)
  local kind = kindOf(byte(identity, 21), endpoint)
  local array, width, top = p .. ':' .. kind, 21 + #endpoint, n[kind]
  local slot = random(0, top)
  if slot < top then move(array, slot, top, width) end
  n[kind] = top + 1
  call('SETRANGE', array, slot * width, sub(identity, 1, 21) .. endpoint)
  if top == 0 then call('PEXPIRE', array, life) end
  call('HSET', I, endpoint, pack('<I4', slot) .. identity)
  count(identity, 1)
  label(identity, endpoint, 'SADD')
end

local function remember(endpoint, due)
  call('ZADD', E, due, endpoint)
  if due < oldest then oldest = due end
end

local function moment(sent)
  if sent > 0 and now - sent > LATE then return floor(sent) end
  return now
end

local function overtaken(endpoint, due)
  if due <= now then return true end
  local known = call('ZSCORE', E, endpoint)
  return known and tonumber(known) > due
end

local function expire(limit)
  if oldest > now then return false end
  local due = call('ZRANGEBYSCORE', E, '-inf', now, 'LIMIT', 0, limit)
  for _, endpoint in ipairs(due) do
    local value = call('HGET', I, endpoint) or error('incomplete')
    if value ~= '' then
      drop(endpoint, value)
      tell('-', sub(value, 5, 25), endpoint)
      dropped = dropped + 1
    end
    call('HDEL', I, endpoint)
  end
  if due[1] then call('ZREM', E, unpack(due)) end
  local next = call('ZRANGE', E, 0, 0, 'WITHSCORES')
  oldest = tonumber(next[2]) or NEVER
  if oldest == NEVER and n.L4 + n.S4 + n.L6 + n.S6 > 0 then error('incomplete') end
  return oldest <= now
end

local function turn()
  local current = floor(now / 60000)
  if current == minute then return end
  before = current == minute + 1 and announces or 0
  announces, minute = 0, current
end

local function lengthen()
  for _, key in ipairs({':h', ':i', ':e', ':d', ':L4', ':S4', ':L6', ':S6'}) do call('PEXPIRE', p .. key, life) end
end

local function figures(again, wanted)
  if wanted == 1 and expires <= now then wanted = 2 end
  local due = expires
  if oldest < NEVER then due = oldest end
  return pack('<BBI4I4I4ddI4d', again, wanted, n.S4 + n.S6, n.L4 + n.L6, completed, stamp, due, dropped, heard)
end
`;
